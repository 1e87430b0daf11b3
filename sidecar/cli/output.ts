import { stripVTControlCharacters } from 'node:util';
import { CommanderError } from 'commander';
import { XpsError } from '../../base/errors.ts';
import { REASONS } from '../../base/reasons.ts';
import { escapeText } from '../escape.ts';

/** Everything that commands print goes through here: results to standard output, complaints to standard error. */

export const EXIT = { ok: 0, failure: 1, usage: 2 } as const;

type Stream = NodeJS.WriteStream;
type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

const CODES: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
};

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** A remark for the person, not for the next program in the pipe. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Colours only for a terminal, and never when NO_COLOR is set (no-color.org). */
export function styled(style: Style, text: string, stream: Stream = process.stdout): string {
  const [on, off] = CODES[style];
  return hasColours(stream) ? `\u001b[${on}m${text}\u001b[${off}m` : text;
}

function hasColours(stream: Stream): boolean {
  const { NO_COLOR: no, TERM: terminal } = process.env;
  return stream.isTTY && (no === undefined || no === '') && terminal !== 'dumb';
}

/** Columns as wide as their widest cell; the last one is left as it is. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, visible(cell));
  }
  const line = (row: readonly string[]): string =>
    row.map((cell, at) => (at === row.length - 1 ? cell : cell + ' '.repeat((widths[at] as number) - visible(cell)))).join('  ').trimEnd();
  return rows.map(line).join('\n');
}

/** Columns that a cell takes, colours not counted. */
function visible(cell: string): number {
  return stripVTControlCharacters(cell).length;
}

/** Examples at the end of a help text: what it does, then the line to type. */
export function examples(...list: readonly (readonly [what: string, line: string])[]): string {
  return `\nExamples:\n${list.map(([what, line]) => `  # ${what}\n  $ ${line}`).join('\n')}\n`;
}

/** `xpscerpto: what (where); do this`. `help`: what to type for the help of the command. */
export function errorLine(thrown: unknown, help = 'xpscerpto --help'): string {
  return `${styled('red', 'xpscerpto:', process.stderr)} ${escapeText(errorText(thrown, help))}`;
}

export function exitCodeOf(thrown: unknown): number {
  // Help that was asked for is a success; help for want of a command is not.
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.ok : EXIT.usage;
  return thrown instanceof XpsError && thrown.reason === 'usage_invalid' ? EXIT.usage : EXIT.failure;
}

/** Help and version end the run by an exception, too; nothing is left to be said then. */
export function isHelp(thrown: unknown): boolean {
  return thrown instanceof CommanderError && ['commander.help', 'commander.helpDisplayed', 'commander.version'].includes(thrown.code);
}

function errorText(thrown: unknown, help: string): string {
  if (thrown instanceof CommanderError) return commanderText(thrown, help);
  if (thrown instanceof XpsError && thrown.reason === 'usage_invalid') return `${thrown.detail}; see ${help}`;
  if (thrown instanceof XpsError) {
    const { summary } = REASONS[thrown.reason];
    return `${summary}${thrown.detail === '' ? '' : ` (${thrown.detail})`}; ${thrown.hint}`;
  }
  if (!(thrown instanceof Error)) return String(thrown);
  // What the system refused explains itself; anything else is a mistake of ours, and its stack is the way to it.
  return 'syscall' in thrown ? thrown.message : `${REASONS.internal_error.summary} (${thrown.stack ?? thrown.message}); report this`;
}

/** `error: unknown option '--nmae'` and, on a second line, `(Did you mean --name?)`. */
function commanderText({ message }: CommanderError, help: string): string {
  const [what = '', suggestion] = message.replace(/^error: /, '').split('\n');
  const meant = suggestion?.replaceAll(/[()]/g, '').replace(/^Did/, 'did');
  return `${what}; ${meant ?? `see ${help}`}`;
}

/** For options that a command cannot do without. Checked by the command, so that a misspelt one is reported as such. */
export function demand<T>(value: T | undefined, option: string): T {
  if (value === undefined) throw new XpsError('usage_invalid', { detail: `${option} is missing` });
  return value;
}
