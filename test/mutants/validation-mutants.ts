import type { Mutant } from './mutant.ts';

const PATH = 'test/certs/path.test.ts';
const CRL = 'test/certs/crl.test.ts';
const OCSP = 'test/certs/ocsp.test.ts';
const ENCODING = 'test/certs/encoding.test.ts';

function changed(name: string, file: string, find: string, replace: string, ...tests: readonly string[]): Mutant {
  return { name, tests, changes: [{ file: `certs/${file}`, find, replace }] };
}

/** A rule that is never applied. */
function without(name: string, file: string, condition: string, ...tests: readonly string[]): Mutant {
  return changed(name, file, `if (${condition})`, 'if (false)', ...tests);
}

/** Mutants of the validator: parsing, paths, names, policies, CRLs, OCSP. */
export const MUTANTS: readonly Mutant[] = [
  changed('skip signatures of certificates', 'path-search.ts', "if (forged !== undefined) return this.#end('signature', forged, path);", '', PATH),
  without('let anybody be a CA', 'path-rules.ts', '!isCa(issuer)', PATH),
  without('ignore keyCertSign', 'path-rules.ts', "keyUsage?.has('keyCertSign') === false", PATH),
  changed('ignore pathLen', 'path-rules.ts', 'return found > allowed ?', 'return false ?', PATH),
  changed('count self-issued CAs', 'path-rules.ts', 'below.slice(1).filter(({ isSelfIssued }) => !isSelfIssued).length', 'below.slice(1).length', PATH),
  changed('ignore unknown critical extensions', 'path-rules.ts', 'return oid === undefined ?', 'return oid !== null ?', PATH),
  without('accept expired certificates', 'path-rules.ts', 'window.earliestMs >= notAfterMs + SECOND', PATH),
  changed('ask no CA for its purposes', 'path-rules.ts', '(isForPurpose(issuer, usage) ? undefined :', '(issuer !== undefined ? undefined :', PATH),
  without('ignore the dates and extensions of an anchor', 'path-search.ts', "isAnchor && anchorMode === 'key'", PATH),
  changed('forget constraints of the CA next to the leaf', 'path-search.ts', 'this.#namesFailure(issuer, below);\n', 'this.#namesFailure(issuer, below.slice(1));\n', PATH),
  changed('let wildcards reach excluded names', 'name-constraints.ts', "return base.domain.includes('.') && base.domain.slice(base.domain.indexOf('.') + 1) === name.domain;", 'return false;', PATH),
  changed('let wildcards leave permitted names', 'name-constraints.ts', '!permitted.some((base) => isInside(comparable, base))', '!permitted.some((base) => meets(comparable, base))', PATH),
  changed('match domains by their end alone', 'name-constraints.ts', 'name.endsWith(`.${domain}`)', 'name.endsWith(domain)', PATH),
  changed('take names that cannot be compared', 'name-constraints.ts', "return 'a name cannot be compared with the constraints of';", 'return undefined;', PATH),
  without('require no policy', 'policies.ts', 'state.isExplicitRequired && !state.hasAny(wanted)', PATH),
  changed('map policies although it is inhibited', 'policies.ts', 'if (this.#policyMapping === 0) level.delete(policy);\n      else if', 'if', PATH),
  without('accept CRLs of other scopes', 'crl-status.ts', "issuingPoint.only === 'attribute' || (issuingPoint.only === 'user' && isCa(certificate)) || (issuingPoint.only === 'ca' && !isCa(certificate))", CRL),
  changed('call some reasons all reasons', 'crl-status.ts', 'this.#covered |= reasons;', 'this.#covered = ALL_REASONS;', CRL),
  without('let anybody speak for other issuers', 'crl-status.ts', 'point.crlIssuer !== undefined && issuingPoint?.isIndirect !== true', CRL),
  changed('take a CRL of any signer', 'crl-status.ts', 'if (problem !== undefined) return this.#note(problem);', '', CRL),
  changed('use CRLs that are out of date', 'crl-status.ts', "if (age.kind !== 'current') return this.#note(`the CRL of ${crl.issuer.text} ${age.note}`);", '', CRL),
  changed('let every key sign CRLs', 'crl-status.ts', "return isBareKey ? undefined : leafFailure(signer, 'crl', this.#context.window);", 'return undefined;', CRL),
  changed('accept CRL signers below another anchor', 'validation.ts', 'anchors: new CertificatesBySubject([anchor]),', 'anchors: new CertificatesBySubject(this.#request.anchors),', CRL),
  changed('keep what a delta takes off', 'crl-status.ts', 'changed.find(({ reason }) => reason !== REMOVE_FROM_CRL)', 'changed[0]', CRL),
  changed('complete a base with a delta for a later one', 'crl-status.ts', 'crl.baseNumber <= base.number &&', 'crl.baseNumber >= 0n &&', CRL),
  changed('use what is not understood', 'crl-status.ts', 'if (crl.unusable !== undefined) return this.#note(crl.unusable);', '', CRL),
  changed('let unknown status pass', 'validation.ts', "this.#request.revocation === 'soft' ||", "this.#request.revocation !== 'off' ||", CRL),
  changed('forget what a responder must be for', 'path-rules.ts', 'if (extendedKeyUsage?.has(KEY_PURPOSE.ocspSigning) !== true)', 'if (false)', OCSP),
  changed('accept responders of other CAs', 'ocsp-status.ts', "signatures.signatureFailure(responder, issuer, responder, 'its certificate') ??", '', OCSP),
  changed('believe unsigned OCSP answers of the issuer', 'ocsp-status.ts', 'if (forged === undefined) return { untilMs: Number.POSITIVE_INFINITY };', 'if (forged !== null) return { untilMs: Number.POSITIVE_INFINITY };', OCSP),
  changed('compare no key of the issuer', 'ocsp-status.ts', 'if (!equalBytes(certId.issuerKeyHash, digest(issuer.keyBits))) return false;', '', OCSP),
  changed('take answers of any age', 'status.ts', 'if (window.earliestMs >= endMs)', 'if (window.earliestMs < 0)', OCSP),
  changed('ask no responder for its own status', 'ocsp-status.ts', "status.kind === 'unknown' && request.revocation === 'hard'", "status.kind === 'good' && request.revocation === 'hard'", OCSP),
  changed('forget the promise to staple', 'validation.ts', 'if (isStapleMissing)', 'if (false)', OCSP),
  changed('take longer lengths than needed', 'der.ts', 'if (length < 0x80 || length < 256 ** (count - 1))', 'if (false)', ENCODING),
  without('take characters outside of a string type', 'der.ts', '!alphabet.test(text)', ENCODING),
  without('take dates that do not exist', 'der.ts', '!isReal', ENCODING),
  without('take extensions twice', 'extension-list.ts', 'found.has(extension.oid)', ENCODING),
  without('take two different algorithms', 'signed.ts', '!equalBytes(outer.raw, inner.raw)', ENCODING),
  changed('take bytes after a structure', 'der.ts', 'if (!this.isAtEnd) throw malformed(`${field}: ${this.#end - this.#at} unexpected bytes`);', '', ENCODING),
];
