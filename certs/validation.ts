import type { Crypto } from '../engines/contract.ts';
import type { Certificate } from './certificate.ts';
import { crlStatus } from './crl-status.ts';
import { nameFailure } from './expected-names.ts';
import { ocspStatus } from './ocsp-status.ts';
import { timeWindow, validityEndMs } from './path-rules.ts';
import { CertificatesBySubject, searchPath, type SearchSettings } from './path-search.ts';
import { policyFailure } from './policies.ts';
import type { ValidationRequest } from './request.ts';
import { SignatureCheck } from './signature-check.ts';
import type { Status, StatusContext, StatusQuestion } from './status.ts';
import { type Accepted, type Failure, failure, type StatusOnPath, type Verdict } from './verdict.ts';
import { BudgetExceeded, Work } from './work.ts';

export { type Budgets, DEFAULT_BUDGETS, type ExpectedName, REQUEST_DEFAULTS, type ValidationRequest } from './request.ts';
export { type Accepted, CODE_REASONS, type Failure, type RefusalCode, type Refused, type StatusOnPath, type Verdict } from './verdict.ts';

/**
 * Path building and validation as a pure function: no clock, no network, no files. This is the front of the validator; its
 * parts are path-search.ts (RFC 4158), path-rules.ts and name-constraints.ts (RFC 5280 §6.1), policies.ts (RFC 9618),
 * crl-status.ts (RFC 5280 §6.3) and ocsp-status.ts (RFC 6960). It never throws for what a peer can send.
 */
export function validatePath(request: ValidationRequest, crypto: Pick<Crypto, 'signature' | 'hash'>): Verdict {
  try {
    return new Validation(request, crypto).run();
  } catch (thrown) {
    if (!(thrown instanceof BudgetExceeded)) throw thrown;
    return { valid: false, ...failure('limit', request.leaf, thrown.message), path: [request.leaf] };
  }
}

/** CRL issuers have CRL issuers of their own: as deep as anybody nests them. */
const MAX_STATUS_DEPTH = 3;

class Validation {
  readonly #request: ValidationRequest;
  readonly #settings: SearchSettings;
  readonly #intermediates: CertificatesBySubject;
  readonly #context: StatusContext;
  /** Certificates whose status is being found out: they cannot be asked for again meanwhile. */
  readonly #inQuestion = new Set<Certificate>();
  #outcome: Pick<Accepted, 'statuses' | 'validUntilMs'> = { statuses: [], validUntilMs: 0 };

  constructor(request: ValidationRequest, { signature, hash }: Pick<Crypto, 'signature' | 'hash'>) {
    const work = new Work(request.budgets);
    const window = timeWindow(request.timeMs, request.clockSkewMs);
    const signatures = new SignatureCheck(signature, request.minRsaBits, work);
    this.#request = request;
    this.#settings = { anchorMode: request.anchorMode, maxDepth: request.maxDepth, window, signatures, work };
    this.#intermediates = new CertificatesBySubject(request.intermediates);
    this.#context = {
      request,
      window,
      signatures,
      work,
      hash,
      intermediates: this.#intermediates,
      crlIssuerFailure: (crlIssuer, anchor) => this.#crlIssuerFailure(crlIssuer, anchor),
      crlStatus: (question) => this.#askOnce(question, () => crlStatus(question, this.#context)),
    };
  }

  run(): Verdict {
    const { leaf, anchors, purpose } = this.#request;
    const found = searchPath(
      {
        leaf,
        usage: purpose,
        intermediates: this.#intermediates,
        anchors: new CertificatesBySubject(anchors),
        accept: (path) => this.#pathFailure(path),
      },
      this.#settings,
    );
    if ('failure' in found) return { valid: false, ...found.failure, path: found.path };
    return { valid: true, path: found.path, ...this.#outcome };
  }

  #pathFailure(path: readonly Certificate[]): Failure | undefined {
    return policyFailure(path, this.#request) ?? nameFailure(this.#request.leaf, this.#request.names) ?? this.#statusFailure(path);
  }

  /** Every certificate but the anchor, from the top: below a revoked CA nothing else matters. */
  #statusFailure(path: readonly Certificate[]): Failure | undefined {
    const { revocation, clockSkewMs, anchorMode } = this.#request;
    const binding = anchorMode === 'certificate' ? path : path.slice(0, -1);
    let validUntilMs = Math.min(...binding.map((certificate) => validityEndMs(certificate, clockSkewMs)));
    const statuses: StatusOnPath[] = [];
    for (let i = path.length - 2; i >= 0; i -= 1) {
      const certificate = path[i] as Certificate;
      if (revocation === 'off') {
        statuses.unshift({ certificate, status: 'unchecked', source: undefined });
        continue;
      }
      const status = this.#statusOf({ certificate, issuer: path[i + 1] as Certificate, above: path.slice(i + 1) });
      const refused = this.#refusal(certificate, status, i === 0);
      if (refused !== undefined) return refused;
      statuses.unshift(onPath(certificate, status));
      if (status.kind === 'good') validUntilMs = Math.min(validUntilMs, status.untilMs);
    }
    this.#outcome = { statuses, validUntilMs };
    return undefined;
  }

  #refusal(certificate: Certificate, status: Status, isLeaf: boolean): Failure | undefined {
    if (status.kind === 'revoked') return failure('revoked', certificate, `the certificate is revoked; ${status.reason}`);
    // RFC 7633 §4.2: whoever promised a staple has to bring it, whatever else is known.
    const isStapleMissing = isLeaf && certificate.extensions.mustStaple && !(status.kind === 'good' && status.source === 'ocsp');
    if (isStapleMissing) return failure('status_unknown', certificate, 'the certificate demands an OCSP answer (must-staple) and none counts');
    if (status.kind === 'good' || this.#request.revocation === 'soft' || saysThatThereIsNone(certificate, isLeaf)) return undefined;
    const [note = 'no CRL and no OCSP answer speaks about the certificate'] = status.notes;
    return failure('status_unknown', certificate, note);
  }

  /** Both kinds are asked: what one of them says is revoked is revoked. */
  #statusOf(question: StatusQuestion): Status {
    return this.#askOnce(question, () => {
      const ocsp = ocspStatus(question, this.#context);
      if (ocsp.kind === 'revoked') return ocsp;
      const crl = crlStatus(question, this.#context);
      if (crl.kind === 'revoked' || ocsp.kind === 'unknown') return crl.kind === 'unknown' && ocsp.kind === 'unknown' ? { kind: 'unknown', notes: [...ocsp.notes, ...crl.notes] } : crl;
      return crl.kind === 'good' && crl.untilMs > ocsp.untilMs && !question.certificate.extensions.mustStaple ? crl : ocsp;
    });
  }

  #askOnce(question: StatusQuestion, ask: () => Status): Status {
    if (this.#inQuestion.has(question.certificate)) return { kind: 'unknown', notes: ['the status depends on itself'] };
    this.#inQuestion.add(question.certificate);
    try {
      return ask();
    } finally {
      this.#inQuestion.delete(question.certificate);
    }
  }

  /** RFC 5280 §6.3.3 (f): a path to the same anchor, without certificates that are revoked. */
  #crlIssuerFailure(crlIssuer: Certificate, anchor: Certificate): Failure | undefined {
    if (this.#inQuestion.size > MAX_STATUS_DEPTH) return failure('limit', crlIssuer, 'CRL issuers are nested too deeply');
    const found = searchPath(
      {
        leaf: crlIssuer,
        usage: 'crl',
        intermediates: this.#intermediates,
        anchors: new CertificatesBySubject([anchor]),
        accept: (path) => this.#crlIssuerStatusFailure(path),
      },
      this.#settings,
    );
    return 'failure' in found ? found.failure : undefined;
  }

  #crlIssuerStatusFailure(path: readonly Certificate[]): Failure | undefined {
    for (let i = path.length - 2; i >= 0; i -= 1) {
      const certificate = path[i] as Certificate;
      if (this.#inQuestion.has(certificate)) continue;
      const status = this.#statusOf({ certificate, issuer: path[i + 1] as Certificate, above: path.slice(i + 1) });
      if (status.kind === 'revoked') return failure('revoked', certificate, 'the certificate of a CRL issuer is revoked');
      if (status.kind === 'unknown' && this.#request.revocation === 'hard') return failure('status_unknown', certificate, 'the certificate of a CRL issuer has no known status');
    }
    return undefined;
  }
}

/** RFC 9608: the CA publishes nothing about this leaf. Where it also names a place to ask, it has to be asked. */
function saysThatThereIsNone({ extensions }: Certificate, isLeaf: boolean): boolean {
  const { hasNoRevAvail, crlDistributionPoints, freshestCrl, ocspUris } = extensions;
  return isLeaf && hasNoRevAvail && crlDistributionPoints === undefined && freshestCrl === undefined && ocspUris.length === 0;
}

function onPath(certificate: Certificate, status: Status): StatusOnPath {
  if (status.kind === 'good') return { certificate, status: 'good', source: status.source };
  return { certificate, status: saysThatThereIsNone(certificate, true) ? 'unchecked' : 'unknown', source: undefined };
}
