import { equalBytes } from '../base/bytes.ts';
import type { Certificate } from './certificate.ts';
import { latin1 } from './der.ts';
import { nameConstraintFailure } from './name-constraints.ts';
import { anchorProfileFailure, authorityKeyFailure, intermediateCount, issuerFailure, leafFailure, type LeafUsage, type TimeWindow, validityFailure } from './path-rules.ts';
import type { SignatureCheck } from './signature-check.ts';
import { type Failure, failure } from './verdict.ts';
import type { Work } from './work.ts';

/** Self-issued certificates are not counted by maxDepth; this bounds a path of them. */
const MAX_PATH_LENGTH = 32;

export interface SearchSettings {
  readonly anchorMode: 'certificate' | 'key';
  readonly maxDepth: number;
  readonly window: TimeWindow;
  readonly signatures: SignatureCheck;
  readonly work: Work;
}

export interface SearchTarget {
  readonly leaf: Certificate;
  readonly usage: LeafUsage;
  readonly intermediates: CertificatesBySubject;
  readonly anchors: CertificatesBySubject;
  /** Rules that need the whole path (leaf first, anchor last). What it refuses leads to the next path. */
  readonly accept: (path: readonly Certificate[]) => Failure | undefined;
}

export interface FoundPath {
  readonly path: readonly Certificate[];
}

export interface NoPath {
  readonly failure: Failure;
  readonly path: readonly Certificate[];
}

/** Candidates by the name that their children give as issuer. */
export class CertificatesBySubject {
  readonly #bySubject = new Map<string, Certificate[]>();

  constructor(certificates: readonly Certificate[]) {
    const seen = new Set<string>();
    for (const certificate of certificates) {
      const der = latin1(certificate.der);
      if (seen.has(der)) continue;
      seen.add(der);
      const same = this.#bySubject.get(certificate.subject.key);
      if (same === undefined) this.#bySubject.set(certificate.subject.key, [certificate]);
      else same.push(certificate);
    }
  }

  named(key: string): readonly Certificate[] {
    return this.#bySubject.get(key) ?? [];
  }
}

/**
 * RFC 4158: depth first from the leaf. Every issuer is checked when it is added, for RFC 5280 §6.1 has no rule of an issuer
 * that depends on what is above it, but policies and status, which `accept` decides on the whole path.
 */
export function searchPath(target: SearchTarget, settings: SearchSettings): FoundPath | NoPath {
  const unfit = leafFailure(target.leaf, target.usage, settings.window) ?? settings.signatures.keyFailure(target.leaf);
  if (unfit !== undefined) return { failure: unfit, path: [target.leaf] };
  return new PathSearch(target, settings).run();
}

/** Why a way ended: at an issuer that is not fit, at a signature, or at the end of a whole path. */
interface DeadEnd {
  readonly kind: 'issuer' | 'signature' | 'path';
  readonly failure: Failure;
  /** The path as far as it led, the refused issuer included. */
  readonly path: readonly Certificate[];
}

class PathSearch {
  readonly #target: SearchTarget;
  readonly #settings: SearchSettings;
  readonly #deadEnds: DeadEnd[] = [];

  constructor(target: SearchTarget, settings: SearchSettings) {
    this.#target = target;
    this.#settings = settings;
  }

  run(): FoundPath | NoPath {
    const { leaf } = this.#target;
    const profile = this.#isPeer() ? authorityKeyFailure(leaf) : undefined;
    if (profile !== undefined) return { failure: profile, path: [leaf] };
    const path = this.#extend([leaf]);
    return path === undefined ? this.#conclude() : { path };
  }

  #isPeer(): boolean {
    return this.#target.usage !== 'crl' && this.#target.usage !== 'ocsp';
  }

  #extend(below: readonly Certificate[]): readonly Certificate[] | undefined {
    const child = below.at(-1) as Certificate;
    for (const anchor of inOrder(this.#target.anchors.named(child.issuer.key), child, this.#settings.window)) {
      const path = this.#take(anchor, below, true);
      if (path !== undefined) return path;
    }
    if (below.length > MAX_PATH_LENGTH) return undefined;
    for (const candidate of inOrder(this.#target.intermediates.named(child.issuer.key), child, this.#settings.window)) {
      if (isRepetition(candidate, below)) continue;
      const path = this.#take(candidate, below, false);
      if (path !== undefined) return path;
    }
    return undefined;
  }

  /** Adds an issuer and goes on from there. Undefined: no path leads through it. */
  #take(issuer: Certificate, below: readonly Certificate[], isAnchor: boolean): readonly Certificate[] | undefined {
    this.#settings.work.step();
    const path = [...below, issuer];
    const child = below.at(-1) as Certificate;
    const unfit = this.#issuerFailure(issuer, below, isAnchor);
    if (unfit !== undefined) return this.#end('issuer', unfit, path);
    const forged = this.#settings.signatures.signatureFailure(child, issuer, child, 'the certificate');
    if (forged !== undefined) return this.#end('signature', forged, path);
    if (!isAnchor) return this.#extend(path);
    const refused = this.#target.accept(path);
    return refused === undefined ? path : this.#end('path', refused, path);
  }

  #end(kind: DeadEnd['kind'], failure: Failure, path: readonly Certificate[]): undefined {
    this.#deadEnds.push({ kind, failure, path });
    return undefined;
  }

  #issuerFailure(issuer: Certificate, below: readonly Certificate[], isAnchor: boolean): Failure | undefined {
    const { anchorMode, maxDepth, window } = this.#settings;
    if (isAnchor && anchorMode === 'key') return undefined;
    const unfit = issuerFailure(issuer, below, this.#target.usage, window) ?? (isAnchor ? anchorProfileFailure(issuer) : authorityKeyFailure(issuer));
    if (unfit !== undefined) return unfit;
    if (!isAnchor && intermediateCount([...below, issuer]) > maxDepth) {
      return failure('limit', issuer, `the path has more than ${maxDepth} intermediate CAs`);
    }
    return this.#namesFailure(issuer, below);
  }

  /** RFC 5280 §6.1.3 (b): self-issued certificates are exempt, unless they are the leaf. */
  #namesFailure(issuer: Certificate, below: readonly Certificate[]): Failure | undefined {
    for (const [i, certificate] of below.entries()) {
      if (i > 0 && certificate.isSelfIssued) continue;
      const outside = nameConstraintFailure(issuer, certificate, this.#settings.work);
      if (outside !== undefined) return outside;
    }
    return undefined;
  }

  /** The reason that says most: of a whole path, of an issuer that really signed, of a signature, or that nobody is known. */
  #conclude(): NoPath {
    const { leaf } = this.#target;
    const whole = this.#deadEnds.find(({ kind }) => kind === 'path');
    if (whole !== undefined) return whole;
    let forged = this.#deadEnds.find(({ kind }) => kind === 'signature');
    for (const deadEnd of this.#deadEnds) {
      if (deadEnd.kind !== 'issuer') continue;
      const [child, issuer] = deadEnd.path.slice(-2) as [Certificate, Certificate];
      const signature = this.#settings.signatures.signatureFailure(child, issuer, child, 'the certificate');
      if (signature === undefined) return deadEnd;
      forged ??= { kind: 'signature', failure: signature, path: deadEnd.path };
    }
    if (forged !== undefined) return forged;
    return { failure: failure('untrusted', leaf, `no path leads to a trust anchor; the certificate was issued by ${leaf.issuer.text}`), path: [leaf] };
  }
}

/** The key identifiers are hints: they decide the order, nothing else (RFC 4158 §3.5). */
function inOrder(candidates: readonly Certificate[], child: Certificate, window: TimeWindow): readonly Certificate[] {
  const fitting = candidates.filter((candidate) => isSameUniqueId(candidate, child));
  if (fitting.length < 2) return fitting;
  const rank = (candidate: Certificate): number =>
    (hasHintedKey(candidate, child) ? 0 : 2) + (validityFailure(candidate, window) === undefined ? 0 : 1);
  return fitting.toSorted((a, b) => rank(a) - rank(b));
}

function hasHintedKey(candidate: Certificate, child: Certificate): boolean {
  const wanted = child.extensions.authorityKeyId?.keyId;
  const found = candidate.extensions.subjectKeyId;
  return wanted === undefined || found === undefined || equalBytes(wanted, found);
}

/** X.509: names that were given to somebody else again are told apart by unique identifiers, where both have them. */
function isSameUniqueId({ subjectUniqueId }: Certificate, { issuerUniqueId }: Certificate): boolean {
  return subjectUniqueId === undefined || issuerUniqueId === undefined || equalBytes(subjectUniqueId, issuerUniqueId);
}

/** RFC 4158 §2.4.2: the same name with the same key leads nowhere new. */
function isRepetition(candidate: Certificate, below: readonly Certificate[]): boolean {
  return below.some(({ subject, spki }) => subject.key === candidate.subject.key && equalBytes(spki, candidate.spki));
}
