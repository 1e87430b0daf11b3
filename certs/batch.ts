import { toHex } from '../base/bytes.ts';
import { toXpsError, XpsError } from '../base/errors.ts';
import type { Reason } from '../base/reasons.ts';
import type { Crypto } from '../engines/contract.ts';
import { type BatchRequest, readBatchRequest } from './batch-request.ts';
import type { Certificate } from './certificate.ts';
import { CODE_REASONS, type RefusalCode, type Refused, validatePath, type Verdict } from './validation.ts';

/** `xpscerpto verify --batch`: one JSON object per line in, one per line out, in order. */

const MAX_TEXT = 512;
const MAX_LINE = 64 * 1024 * 1024;

interface Answer {
  readonly id: unknown;
  readonly valid: boolean;
  readonly code: 'ok' | RefusalCode;
  readonly reason: string;
  readonly path: readonly string[];
}

/**
 * Answers one line. Never throws: what cannot be read is refused as `malformed`. `nowMs` counts where the line has no time.
 */
export function verifyBatch(line: string, crypto: Pick<Crypto, 'signature' | 'hash'>, nowMs: number): string {
  let id: unknown = null;
  try {
    if (line.length > MAX_LINE) throw new XpsError('usage_invalid', { detail: 'the line is too long' });
    const fields = readObject(line);
    id = fields['id'] ?? null;
    const batch = readBatchRequest(fields, nowMs);
    return JSON.stringify(answer(id, validatePath(batch.request, crypto), batch));
  } catch (thrown) {
    const error = toXpsError(thrown);
    const code = CODES[error.reason] ?? 'malformed';
    return JSON.stringify({ id, valid: false, code, reason: bounded(error.detail), path: [] } satisfies Answer);
  }
}

/** The lines of a stream and their answers. Empty lines are skipped. */
export async function* verifyBatchLines(
  chunks: AsyncIterable<string>,
  crypto: Pick<Crypto, 'signature' | 'hash'>,
  nowMs: () => number,
): AsyncGenerator<string> {
  for await (const line of linesOf(chunks)) {
    if (line.trim() !== '') yield `${verifyBatch(line, crypto, nowMs())}\n`;
  }
}

/** A line that never ends is kept no further than its limit, and answered as too long. */
async function* linesOf(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let parts: string[] = [];
  let length = 0;
  const add = (part: string): void => {
    if (length <= MAX_LINE) parts.push(part);
    length += part.length;
  };
  for await (const chunk of chunks) {
    const lines = chunk.split('\n');
    for (const [i, part] of lines.entries()) {
      add(part);
      if (i === lines.length - 1) break;
      yield parts.join('');
      parts = [];
      length = 0;
    }
  }
  if (length > 0) yield parts.join('');
}

const CODES: Partial<Record<Reason, RefusalCode>> = Object.fromEntries(
  Object.entries(CODE_REASONS).map(([code, reason]) => [reason, code as RefusalCode]),
);

function readObject(line: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new XpsError('usage_invalid', { detail: 'the line is not JSON', cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new XpsError('usage_invalid', { detail: 'the line is not a JSON object' });
  return value as Readonly<Record<string, unknown>>;
}

function answer(id: unknown, verdict: Verdict, batch: BatchRequest): Answer {
  if (verdict.valid) return { id, valid: true, code: 'ok', reason: '', path: verdict.path.map(nameOf) };
  const { code, reason } = explained(verdict, batch);
  return { id, valid: false, code, reason: bounded(reason), path: verdict.path.map(nameOf) };
}

/** What was given but could not be read is the likelier cause than that nothing was given. */
function explained(verdict: Refused, { leftOut }: BatchRequest): { code: RefusalCode; reason: string } {
  const { code, reason, certificate } = verdict;
  const unread = leftOut.find(({ kind }) => kind === (code === 'status_unknown' ? 'status' : 'certificate'));
  if (unread !== undefined && code === 'untrusted') return { code: 'malformed', reason: unread.why };
  const blamed = certificate === undefined ? reason : `${nameOf(certificate)}: ${reason}`;
  return { code, reason: unread !== undefined && code === 'status_unknown' ? `${blamed} (${unread.why})` : blamed };
}

function nameOf({ subject, serial }: Certificate): string {
  return bounded(subject.rdnKeys.length === 0 ? `serial ${toHex(serial)}` : subject.text);
}

function bounded(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}
