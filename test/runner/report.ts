// What a person reads of a test run.
import { stringify } from 'yaml';
import type { FileResult, Skip } from './test-file.ts';

export function fileLine(result: FileResult): string {
  const verdict = isFailed(result) ? 'FAIL' : 'ok  ';
  const counts = [`${result.passed} passed`];
  if (result.failures.length > 0) counts.push(`${result.failures.length} failed`);
  if (result.skips.length > 0) counts.push(`${result.skips.length} skipped`);
  return `${verdict} ${result.file}  ${counts.join(', ')}  ${(result.milliseconds / 1000).toFixed(1)} s`;
}

export function isFailed(result: FileResult): boolean {
  return result.failures.length > 0 || result.fault !== undefined;
}

/** Everything that went wrong in a file; of one that broke as a whole, the end of what it printed. */
export function failureText(result: FileResult): string {
  const lines: string[] = [];
  if (result.fault !== undefined) {
    lines.push(`    ${result.file} ${result.fault}; it printed last:`, indent(result.output.split('\n').slice(-60).join('\n')));
  }
  for (const failure of result.failures) {
    lines.push(`    ✗ ${failure.name}`);
    if (failure.diagnostics !== undefined && failure.diagnostics !== null) lines.push(indent(stringify(failure.diagnostics, { lineWidth: 0, blockQuote: 'literal' })));
  }
  return lines.join('\n');
}

/** One line for each reason; the names of the skipped tests are in the kept output. */
export function skipText(results: readonly FileResult[]): string {
  const byReason = new Map<string, Set<string>>();
  for (const { file, skips } of results) {
    for (const { reason } of skips) byReason.set(reason, (byReason.get(reason) ?? new Set()).add(file));
  }
  return [...byReason].map(([reason, files]) => `SKIPPED: ${reason}  (${[...files].join(', ')})`).join('\n');
}

/**
 * Skips for want of a tool. Where the environment promises all tools (CI=true) they are failures.
 * Published test vectors are data that a checkout may come without, no tool.
 */
export function forWantOfATool(skips: readonly Skip[]): readonly Skip[] {
  return skips.filter(
    ({ reason }) =>
      /\b(?:missing|not installed|not found|not available|unavailable|absent|no such|cannot be run|not here)\b/i.test(reason) &&
      !/vector/i.test(reason),
  );
}

function indent(text: string): string {
  return text.trimEnd().replaceAll(/^/gm, '        ');
}
