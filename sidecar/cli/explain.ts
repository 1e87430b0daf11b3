import type { Command } from 'commander';
import { XpsError } from '../../base/errors.ts';
import { type Reason, REASONS } from '../../base/reasons.ts';
import { nearest } from '../config/suggest.ts';
import { examples, print, styled, table } from './output.ts';

export function register(program: Command): void {
  program
    .command('explain')
    .summary('what an error means and what to do')
    .description('Explains the reason of an error as it stands in logs and messages. Without one: lists all of them.')
    .argument('[reason]', 'such as certificate_expired')
    .addHelpText('after', examples(['the log says "reason":"epoch_unexpected"', 'xpscerpto explain epoch_unexpected'], ['every reason there is', 'xpscerpto explain']))
    .action((reason: string | undefined) => print(reason === undefined ? list() : explanation(reason)));
}

function list(): string {
  return table(Object.entries(REASONS).map(([reason, { summary }]) => [reason, summary]));
}

function explanation(text: string): string {
  const entry = Object.hasOwn(REASONS, text) ? REASONS[text as Reason] : undefined;
  if (entry === undefined) {
    const near = nearest(text, Object.keys(REASONS));
    throw new XpsError('usage_invalid', { detail: `there is no reason "${text}"${near === undefined ? '' : `; did you mean ${near}?`}` });
  }
  return `${styled('bold', text)} (${entry.class})\n${entry.summary}.\nWhat to do: ${entry.action}.`;
}
