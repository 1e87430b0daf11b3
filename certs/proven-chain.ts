import type { Bytes } from '../base/bytes.ts';
import { toHex } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import type { Crypto } from '../engines/contract.ts';
import type { Certificate } from './certificate.ts';
import type { GeneralName } from './general-names.ts';
import { pinOf, type PinSet } from './pins.ts';
import { nameText, type PeerFacts } from './rule-matching.ts';
import { checkSvidPath, svidOf } from './spiffe-id.ts';
import { type Accepted, CODE_REASONS, type Refused, validatePath, type ValidationRequest } from './validation.ts';

/** Only `proveChain` can make a ProvenChain. */
const MINT: unique symbol = Symbol('mint');

const MAX_NAME_LENGTH = 256;
const MAX_NAMES_SHOWN = 32;

/** A chain that led to a trust anchor with every check passed, pins included. Whose it is was not asked yet. */
export class ProvenChain implements PeerFacts {
  readonly #brand = true;
  readonly leafSha256: Bytes;
  /** For logs: the SPIFFE ID, else the first alternative name, else the subject. */
  readonly name: string;
  readonly names: readonly string[];
  readonly subjectKey: string;
  readonly subjectAltNames: readonly GeneralName[];
  readonly spiffeId: string | undefined;
  readonly pathPins: readonly string[];
  readonly validUntilMs: number;
  readonly isStatusUnknown: boolean;
  readonly summary: string;
  /** The certificates of the path, leaf first, anchor last. */
  readonly path: readonly Certificate[];

  constructor(mint: typeof MINT, crypto: Crypto, accepted: Accepted) {
    if (mint !== MINT) throw new XpsError('internal_error', { detail: 'a proof was forged' });
    const [leaf] = accepted.path as readonly [Certificate, ...Certificate[]];
    this.leafSha256 = crypto.hash.hash('sha256', leaf.der);
    this.subjectKey = leaf.subject.key;
    this.subjectAltNames = leaf.extensions.subjectAltNames ?? [];
    this.spiffeId = svidOf(leaf)?.text;
    if (this.spiffeId !== undefined) checkSvidPath(accepted.path);
    this.names = namesOf(leaf);
    this.name = this.spiffeId ?? this.names[0] ?? `certificate ${toHex(this.leafSha256)}`;
    this.pathPins = accepted.path.map(({ spki }) => pinOf(crypto, spki));
    this.validUntilMs = accepted.validUntilMs;
    this.isStatusUnknown = accepted.statuses.some(({ status }) => status === 'unknown');
    this.path = accepted.path;
    this.summary = accepted.path.map((certificate) => describe(certificate)).join(' ← ');
  }

  get isProof(): boolean {
    return this.#brand;
  }
}

/** Validation, then pins. Throws `certificate_pin_mismatch`; `refusal` makes an error of a refusal. */
export function proveChain(request: ValidationRequest, pins: PinSet, crypto: Crypto): ProvenChain | Refused {
  const verdict = validatePath(request, crypto);
  if (!verdict.valid) return verdict;
  const chain = new ProvenChain(MINT, crypto, verdict);
  if (pins.isPinned(chain.pathPins)) return chain;
  // With cross-signed CAs there may be another path, to an anchor that is pinned.
  const pinnedAnchors = request.anchors.filter(({ spki }) => pins.isPinned([pinOf(crypto, spki)]));
  const other = pinnedAnchors.length === 0 ? verdict : validatePath({ ...request, anchors: pinnedAnchors }, crypto);
  return other.valid && other !== verdict ? new ProvenChain(MINT, crypto, other) : pins.refuse(chain.pathPins);
}

/** The detail names the certificate and the check. */
export function refusal({ code, reason, certificate }: Refused, failures: readonly XpsError[] = []): XpsError {
  const where = certificate === undefined ? reason : `${describe(certificate)}: ${reason}`;
  const why = code === 'status_unknown' ? failures.slice(0, 4).map(({ detail }) => `; ${detail}`).join('') : '';
  return new XpsError(CODE_REASONS[code], { detail: where + why });
}

/** A certificate in one line for logs: its name and its serial number. */
export function describe(certificate: Certificate): string {
  const name = certificate.subject.key === '' ? (namesOf(certificate)[0] ?? 'unnamed') : certificate.subject.text;
  return `${name.slice(0, MAX_NAME_LENGTH)} [${toHex(certificate.serial)}]`;
}

function namesOf({ subject, extensions }: Certificate): readonly string[] {
  const names = (extensions.subjectAltNames ?? []).slice(0, MAX_NAMES_SHOWN).map((name) => nameText(name).slice(0, MAX_NAME_LENGTH));
  if (subject.key !== '') names.push(`subject:${subject.text}`.slice(0, MAX_NAME_LENGTH));
  return names;
}
