import { XpsError } from '../base/errors.ts';
import { MESSAGE, messageName } from './codepoints.ts';

/** Where a message came from: a plain record, or a protected one of this epoch. */
export type Protection = 'plain' | number;

export type StateName =
  | 'C wait hello'
  | 'C wait hello after retry'
  | 'C wait parameters'
  | 'C wait certificate'
  | 'C wait certificate verify'
  | 'C wait finished'
  | 'C judge server'
  | 'C wait confirm'
  | 'S wait hello'
  | 'S wait hello again'
  | 'S wait certificate'
  | 'S wait certificate verify'
  | 'S wait finished'
  | 'S judge client'
  | 'established';

interface Row {
  readonly state: StateName;
  readonly type: number;
  readonly protection: Protection;
  readonly next: readonly StateName[];
}

const row = (state: StateName, type: number, protection: Protection, ...next: StateName[]): Row => ({ state, type, protection, next });

/**
 * Every legal order of messages, docs/PROTOCOL.md §6.10; "judge" states wait for a verdict, not for a
 * message. Failure is legal besides and handled by the channel.
 */
export const FLOW: readonly Row[] = [
  row('C wait hello', MESSAGE.retry, 'plain', 'C wait hello after retry'),
  row('C wait hello', MESSAGE.serverHello, 'plain', 'C wait parameters'),
  row('C wait hello after retry', MESSAGE.serverHello, 'plain', 'C wait parameters'),
  row('C wait parameters', MESSAGE.serverParameters, 0, 'C wait certificate', 'C wait finished'),
  row('C wait certificate', MESSAGE.certificate, 0, 'C wait certificate verify'),
  row('C wait certificate verify', MESSAGE.certificateVerify, 0, 'C wait finished'),
  row('C wait finished', MESSAGE.finished, 0, 'C judge server'),
  row('C wait confirm', MESSAGE.confirm, 1, 'established'),
  row('S wait hello', MESSAGE.clientHello, 'plain', 'S wait hello again', 'S wait certificate', 'S wait finished'),
  row('S wait hello again', MESSAGE.clientHello, 'plain', 'S wait certificate', 'S wait finished'),
  row('S wait certificate', MESSAGE.certificate, 0, 'S wait certificate verify', 'S wait finished'),
  row('S wait certificate verify', MESSAGE.certificateVerify, 0, 'S wait finished'),
  row('S wait finished', MESSAGE.finished, 0, 'S judge client', 'established'),
];

const ROWS: ReadonlyMap<StateName, readonly Row[]> = Map.groupBy(FLOW, ({ state }) => state);

/** The row that permits this message now; throws `unexpected_message`, `unexpected_plain_record` or `retry_repeated`. */
export function permit(state: StateName, type: number, protection: Protection): Row {
  const rows = ROWS.get(state) ?? [];
  const found = rows.find((candidate) => candidate.type === type && candidate.protection === protection);
  if (found !== undefined) return found;
  const plainIsLegal = rows.some((candidate) => candidate.protection === 'plain');
  if (protection === 'plain' && !plainIsLegal) {
    throw new XpsError('unexpected_plain_record', { detail: `in state "${state}"` });
  }
  if (state === 'C wait hello after retry' && type === MESSAGE.retry) throw new XpsError('retry_repeated');
  const expected = rows.map((candidate) => messageName(candidate.type)).join(' or ');
  throw new XpsError('unexpected_message', {
    detail: `${messageName(type) ?? `type ${type}`} in state "${state}", expected ${expected === '' ? 'nothing' : expected}`,
  });
}
