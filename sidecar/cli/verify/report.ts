import { toHex } from '../../../base/bytes.ts';
import { REASONS } from '../../../base/reasons.ts';
import type { BatchRequest } from '../../../certs/batch-request.ts';
import type { Certificate } from '../../../certs/certificate.ts';
import { nameText } from '../../../certs/rule-matching.ts';
import { type Accepted, CODE_REASONS, type RefusalCode, type Refused, type Verdict } from '../../../certs/validation.ts';
import { escapeText } from '../../escape.ts';
import { styled, table } from '../output.ts';

/** A verdict for people, each check by its name, and for programs. */

const CHECKS: Readonly<Record<RefusalCode, string>> = {
  malformed: 'encoding',
  untrusted: 'trust',
  bad_signature: 'signatures',
  weak: 'strength',
  expired: 'dates',
  not_yet_valid: 'dates',
  wrong_usage: 'usage',
  constraint: 'constraints',
  policy: 'policies',
  wrong_name: 'names',
  revoked: 'revocation',
  status_unknown: 'revocation',
  limit: 'effort',
};

export function verdictJson(verdict: Verdict, { request }: BatchRequest): object {
  const path = verdict.path.map(subjectOf);
  if (!verdict.valid) {
    const { code, reason, certificate } = verdict;
    return { valid: false, code, reason, certificate: certificate === undefined ? null : subjectOf(certificate), path, time: timeText(request.timeMs) };
  }
  const statuses = verdict.statuses.map(({ certificate, status, source }) => ({ certificate: subjectOf(certificate), status, source: source ?? null }));
  return { valid: true, code: 'ok', reason: '', path, statuses, validUntil: timeText(verdict.validUntilMs), time: timeText(request.timeMs) };
}

export function verdictText(verdict: Verdict, read: BatchRequest): string {
  return verdict.valid ? acceptedText(verdict, read) : refusedText(verdict, read);
}

function acceptedText({ path, statuses, validUntilMs }: Accepted, { request }: BatchRequest): string {
  const [leaf] = path as [Certificate];
  const known = statuses.map(({ certificate, status, source }) => `${subjectOf(certificate)} ${status}${source === undefined ? '' : ` (${source.toUpperCase()})`}`);
  const rows = [
    ['trust', path.map(subjectOf).join(' ← ')],
    ['signatures', `${path.length - 1} verified, keys ${path.map(({ publicKey }) => publicKey.text).join(', ')}`],
    ['dates', `${timeText(leaf.notBeforeMs)} to ${timeText(leaf.notAfterMs)}`],
    ['usage', request.purpose === 'any' ? 'not asked for (--purpose)' : request.purpose],
    ['constraints', 'kept'],
    ['policies', request.policies.length === 0 ? 'not asked for (--policy)' : request.policies.join(', ')],
    ['names', request.names.length === 0 ? `not asked for (--name); it has ${namesOf(leaf)}` : request.names.map(nameText).join(', ')],
    ['revocation', request.revocation === 'off' ? 'not asked for (--revocation off)' : known.join(', ') || 'nothing to check'],
  ];
  const marked = rows.map(([check, found = '']) => [`  ${found.startsWith('not asked') ? styled('dim', '·') : styled('green', '✓')} ${check}`, found]);
  return `${styled('green', 'valid')}: ${subjectOf(leaf)}, to be judged again by ${timeText(validUntilMs)}\n${table(marked)}`;
}

function refusedText({ code, reason, certificate, path }: Refused, { request }: BatchRequest): string {
  const blamed = certificate ?? request.leaf;
  const rows = [
    [`  ${styled('red', '✗')} ${CHECKS[code]}`, escapeText(reason)],
    ['    certificate', `${subjectOf(blamed)}, serial number ${toHex(blamed.serial)}`],
    ...(path.length > 1 ? [['    path', path.map(subjectOf).join(' ← ')]] : []),
    ['    what to do', REASONS[CODE_REASONS[code]].action],
  ];
  return `${styled('red', code)}: ${subjectOf(request.leaf)}\n${table(rows)}`;
}

function namesOf({ extensions }: Certificate): string {
  return escapeText((extensions.subjectAltNames ?? []).map(nameText).join(', ')) || 'none';
}

function subjectOf({ subject, serial }: Certificate): string {
  return subject.rdnKeys.length === 0 ? `serial ${toHex(serial)}` : escapeText(subject.text);
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}
