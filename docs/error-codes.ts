// Writes section 8 of docs/OPERATIONS.md from base/reasons.ts: `node docs/error-codes.ts`. A test holds them equal.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Reason, REASONS } from '../base/reasons.ts';

const FILE = join(import.meta.dirname, 'OPERATIONS.md');
const HEADING = '## 8. Every error\n';

/** The chapter, its heading included. */
export function errorCodesChapter(): string {
  const entries = (Object.keys(REASONS) as Reason[]).toSorted().map((reason) => {
    const { class: errorClass, summary, action } = REASONS[reason];
    return `### ${reason}\n\n\`${errorClass}\`: ${summary}. What to do: ${action}.\n`;
  });
  return `${HEADING}
Errors carry a class and a stable reason; both are in every log line of a failure. \`xpscerpto explain REASON\` prints an entry.

${entries.join('\n')}`;
}

/** The document with the chapter as it must be. */
export function operationsWithErrorCodes(): string {
  const text = readFileSync(FILE, 'utf8');
  const at = text.indexOf(HEADING);
  return `${at < 0 ? text : text.slice(0, at)}${errorCodesChapter()}`;
}

if (import.meta.main) writeFileSync(FILE, operationsWithErrorCodes());
