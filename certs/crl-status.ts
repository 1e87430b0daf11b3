import { type Bytes, equalBytes } from '../base/bytes.ts';
import { type Certificate, isCa } from './certificate.ts';
import type { Crl } from './crl.ts';
import { CERTIFICATE_HOLD, type CrlEntry, REMOVE_FROM_CRL } from './crl-index.ts';
import { ALL_REASONS, type DistributionPoint, pointKeys, type PointName, type ReasonSet } from './distribution-points.ts';
import { generalNameKey } from './general-names.ts';
import type { Name } from './names.ts';
import { leafFailure } from './path-rules.ts';
import { currency, type Status, type StatusContext, type StatusQuestion } from './status.ts';

/** RFC 5280 §6.3.3: the status of one certificate from all CRLs that speak about it. */
export function crlStatus(question: StatusQuestion, context: StatusContext): Status {
  return new CrlEvaluation(question, context).run();
}

const REASON_TEXTS: readonly string[] = [
  'unspecified',
  'key compromise',
  'CA compromise',
  'affiliation changed',
  'superseded',
  'cessation of operation',
  'certificate hold',
  '',
  '',
  'privilege withdrawn',
  'AA compromise',
];

/** §6.3.3, last step: CRLs of the issuer that no distribution point names. */
const OWN_POINT: DistributionPoint = { name: undefined, reasons: ALL_REASONS, crlIssuer: undefined };

class CrlEvaluation {
  readonly #question: StatusQuestion;
  readonly #context: StatusContext;
  readonly #notes: string[] = [];
  #covered: ReasonSet = 0;
  #untilMs = Number.POSITIVE_INFINITY;

  constructor(question: StatusQuestion, context: StatusContext) {
    this.#question = question;
    this.#context = context;
  }

  run(): Status {
    const { certificate } = this.#question;
    for (const point of [...(certificate.extensions.crlDistributionPoints ?? []), OWN_POINT]) {
      for (const crl of this.#basesFor(point)) {
        const revoked = this.#consult(crl, point);
        if (revoked !== undefined) return { kind: 'revoked', reason: `a CRL of ${crl.issuer.text} says so: ${REASON_TEXTS[revoked.reason]}` };
      }
      if (this.#covered === ALL_REASONS) return { kind: 'good', source: 'crl', untilMs: this.#untilMs };
    }
    if (this.#covered !== 0) this.#notes.push('the CRLs at hand do not cover all reasons');
    return { kind: 'unknown', notes: this.#notes };
  }

  /** Complete CRLs in the scope of a point, the newest first. */
  #basesFor(point: DistributionPoint): readonly Crl[] {
    const issuers = new Set(crlIssuerNames(point) ?? [this.#question.certificate.issuer.key]);
    return this.#context.request.crls
      .filter((crl) => crl.baseNumber === undefined && issuers.has(crl.issuer.key) && this.#isInScope(crl, point))
      .toSorted((a, b) => (a.number < b.number ? 1 : a.number > b.number ? -1 : b.thisUpdateMs - a.thisUpdateMs));
  }

  /** (b) */
  #isInScope({ issuer, issuingPoint }: Crl, point: DistributionPoint): boolean {
    const { certificate } = this.#question;
    this.#context.work.nameComparisons(1 + nameCount(point.name) + nameCount(issuingPoint?.name));
    // (1) another issuer must say that it speaks for others
    if (point.crlIssuer !== undefined && issuingPoint?.isIndirect !== true) return false;
    if (issuingPoint === undefined) return true;
    // (2)
    if (issuingPoint.only === 'attribute' || (issuingPoint.only === 'user' && isCa(certificate)) || (issuingPoint.only === 'ca' && !isCa(certificate))) return false;
    if (issuingPoint.name === undefined) return true;
    const spoken = new Set(pointKeys(issuingPoint.name, issuer, generalNameKey));
    return pointNames(point, certificate.issuer, issuer).some((key) => spoken.has(key));
  }

  /** (c) to (l): the entry that revokes, or undefined after the reasons that the CRL speaks for were noted. */
  #consult(crl: Crl, point: DistributionPoint): CrlEntry | undefined {
    const reasons = (crl.issuingPoint?.reasons ?? ALL_REASONS) & point.reasons;
    // (e)
    if ((reasons & ~this.#covered) === 0) return undefined;
    if (crl.unusable !== undefined) return this.#note(crl.unusable);
    const delta = this.#deltaFor(crl);
    const age = currency((delta ?? crl).thisUpdateMs, (delta ?? crl).nextUpdateMs, this.#context);
    if (age.kind === 'future') return this.#note(`the CRL of ${crl.issuer.text} ${age.note}`);
    // (f), (g); before anything is looked up in what a stranger may have made
    const problem = this.#issuerProblem(crl, delta);
    if (problem !== undefined) return this.#note(problem);
    const entry = this.#lookUp(crl, delta);
    // A revocation is for ever, but for a hold: it counts beyond the life of the CRL.
    if (entry !== undefined && (age.kind === 'current' || entry.reason !== CERTIFICATE_HOLD)) return entry;
    if (age.kind !== 'current') return this.#note(`the CRL of ${crl.issuer.text} ${age.note}`);
    if (crl.nextUpdateMs === undefined) return this.#note(`the CRL of ${crl.issuer.text} does not say until when it holds`);
    this.#covered |= reasons;
    this.#untilMs = Math.min(this.#untilMs, age.untilMs);
    return undefined;
  }

  #note(text: string): undefined {
    this.#notes.push(text);
    return undefined;
  }

  /** (c), and §5.2.4: the newest delta that completes this base. One that does not count is as if it were not there. */
  #deltaFor(base: Crl): Crl | undefined {
    return this.#context.request.crls
      .filter(
        (crl) =>
          crl.baseNumber !== undefined &&
          crl.baseNumber <= base.number &&
          crl.number > base.number &&
          crl.unusable === undefined &&
          crl.nextUpdateMs !== undefined &&
          crl.issuer.key === base.issuer.key &&
          isSame(crl.scopeDer, base.scopeDer) &&
          isSame(crl.authorityKeyId, base.authorityKeyId) &&
          currency(crl.thisUpdateMs, crl.nextUpdateMs, this.#context).kind === 'current',
      )
      .toSorted((a, b) => (a.number < b.number ? 1 : -1))
      .find((crl) => this.#issuerProblem(crl, undefined) === undefined);
  }

  /** (i) to (k): what the delta says goes first. */
  #lookUp(base: Crl, delta: Crl | undefined): CrlEntry | undefined {
    const changed = delta === undefined ? [] : this.#entriesOf(delta);
    if (changed.length > 0) return changed.find(({ reason }) => reason !== REMOVE_FROM_CRL);
    return this.#entriesOf(base)[0];
  }

  #entriesOf(crl: Crl): CrlEntry[] {
    const { certificate } = this.#question;
    const isOwn = crl.issuer.key === certificate.issuer.key;
    const issuer = `directory:${certificate.issuer.key}`;
    return crl.entriesOf(certificate.serial, (keys) => (keys.length === 0 ? isOwn : keys.includes(issuer)));
  }

  /** Why the CRL is not signed by somebody who may, whose path ends at the same anchor. */
  #issuerProblem(crl: Crl, delta: Crl | undefined): string | undefined {
    let why = `nobody is known who could have signed the CRL of ${crl.issuer.text}`;
    for (const { signer, isOnPath } of this.#signersOf(crl)) {
      const forged = [crl, ...(delta === undefined ? [] : [delta])]
        .map((each) => this.#context.signatures.signatureFailure(each, signer, undefined, `the CRL of ${crl.issuer.text}`))
        .find((found) => found !== undefined);
      const refused = forged ?? (isOnPath ? this.#usageFailure(signer) : this.#context.crlIssuerFailure(signer, this.#anchor));
      if (refused === undefined) return undefined;
      why = forged === undefined ? `the CRL of ${crl.issuer.text} is not acceptable: ${refused.reason}` : refused.reason;
    }
    return why;
  }

  get #anchor(): Certificate {
    return this.#question.above.at(-1) as Certificate;
  }

  #usageFailure(signer: Certificate): ReturnType<typeof leafFailure> {
    const isBareKey = signer === this.#anchor && this.#context.request.anchorMode === 'key';
    return isBareKey ? undefined : leafFailure(signer, 'crl', this.#context.window);
  }

  /** Certificates of the path come first: their paths are known to be good. */
  #signersOf({ issuer, authorityKeyId }: Crl): { signer: Certificate; isOnPath: boolean }[] {
    const { above } = this.#question;
    const onPath = above.filter(({ subject }) => subject.key === issuer.key);
    const others = this.#context.intermediates.named(issuer.key).filter((other) => !onPath.some(({ der }) => equalBytes(der, other.der)));
    const hinted = (signer: Certificate): number => (isSame(signer.extensions.subjectKeyId, authorityKeyId) ? 0 : 1);
    return [
      ...onPath.map((signer) => ({ signer, isOnPath: true })),
      ...others.toSorted((a, b) => hinted(a) - hinted(b)).map((signer) => ({ signer, isOnPath: false })),
    ];
  }
}

function nameCount(name: PointName | undefined): number {
  return name?.kind === 'full' ? name.names.length : 0;
}

function crlIssuerNames({ crlIssuer }: DistributionPoint): string[] | undefined {
  return crlIssuer?.flatMap((name) => (name.kind === 'directory' ? [name.value.key] : []));
}

/** (b) (2) (i): the names of the point; without any, those of the CRL's issuer or of the certificate's. */
function pointNames({ name, crlIssuer }: DistributionPoint, certificateIssuer: Name, crlIssuerName: Name): string[] {
  if (name !== undefined) return pointKeys(name, crlIssuer === undefined ? certificateIssuer : crlIssuerName, generalNameKey);
  return crlIssuer?.map(generalNameKey) ?? [`directory:${certificateIssuer.key}`];
}

function isSame(a: Bytes | undefined, b: Bytes | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equalBytes(a, b);
}
