import { toXpsError } from '../base/errors.ts';
import type { SignatureProvider, VerifyingKey } from '../engines/contract.ts';
import type { Certificate } from './certificate.ts';
import { latin1 } from './der.ts';
import { type Signed, verificationAlgorithm } from './signed.ts';
import { type Failure, failure } from './verdict.ts';
import type { Work } from './work.ts';

const MAX_RSA_BITS = 8192;
const MAX_KEYS = 256;
const MAX_OUTCOMES_PER_OBJECT = 8;

/** What was found out with one engine: keys by their SPKI, and who signed what. Both are facts that do not change. */
interface Known {
  readonly keys: Map<string, VerifyingKey>;
  readonly signatures: WeakMap<Signed, Map<string, boolean>>;
}

const knownBy = new WeakMap<SignatureProvider, Known>();

/** Verifies signatures of certificates, CRLs and OCSP answers, each once, within the budget of one verdict. */
export class SignatureCheck {
  readonly #provider: SignatureProvider;
  readonly #minRsaBits: number;
  readonly #work: Work;
  readonly #known: Known;

  constructor(provider: SignatureProvider, minRsaBits: number, work: Work) {
    this.#provider = provider;
    this.#minRsaBits = minRsaBits;
    this.#work = work;
    const known = knownBy.get(provider) ?? { keys: new Map(), signatures: new WeakMap() };
    knownBy.set(provider, known);
    this.#known = known;
  }

  /** What stands against the key of a certificate: its kind, its size, or that it is no key at all. */
  keyFailure(holder: Certificate): Failure | undefined {
    const { algorithm, bits, text } = holder.publicKey;
    if (algorithm === 'unsupported') return failure('weak', holder, `the key is of a kind that is not accepted: ${text}`);
    if (algorithm === 'rsa' && (bits < this.#minRsaBits || bits > MAX_RSA_BITS)) {
      return failure('weak', holder, `the RSA key has ${bits} bits, ${this.#minRsaBits} to ${MAX_RSA_BITS} are accepted`);
    }
    if (algorithm === 'rsa' && bits % 8 !== 0) return failure('weak', holder, `the RSA key has ${bits} bits, which is not a whole number of bytes`);
    try {
      this.#key(holder);
      return undefined;
    } catch (thrown) {
      return failure('malformed', holder, `the public key cannot be used: ${toXpsError(thrown).detail}`);
    }
  }

  /** Whether the holder of `issuer`'s key signed this. The failure blames `certificate`. */
  signatureFailure(signed: Signed, issuer: Certificate, certificate: Certificate | undefined, what: string): Failure | undefined {
    const { signatureAlgorithm: form } = signed;
    if (form.kind === 'unsupported') return failure('weak', certificate, `${what} is signed with ${form.text}`);
    const weakness = this.keyFailure(issuer);
    if (weakness !== undefined) return weakness;
    try {
      return this.#isSignedBy(signed, issuer) ? undefined : failure('bad_signature', certificate, `${what} is not signed by ${issuer.subject.text}`);
    } catch (thrown) {
      const error = toXpsError(thrown);
      if (error.reason !== 'algorithm_forbidden' && error.reason !== 'algorithm_unavailable') throw thrown;
      return failure('weak', certificate, `${what} is signed with an algorithm that the policy forbids: ${error.detail}`);
    }
  }

  #isSignedBy(signed: Signed, issuer: Certificate): boolean {
    const outcomes = this.#known.signatures.get(signed) ?? new Map<string, boolean>();
    const spki = latin1(issuer.spki);
    const known = outcomes.get(spki);
    if (known !== undefined) return known;
    const algorithm = verificationAlgorithm(signed.signatureAlgorithm, issuer.publicKey);
    if (algorithm === undefined) return false;
    this.#work.signature();
    const isSigned = this.#provider.verify(algorithm, this.#key(issuer), signed.signedBytes, signed.signature);
    if (outcomes.size < MAX_OUTCOMES_PER_OBJECT) outcomes.set(spki, isSigned);
    this.#known.signatures.set(signed, outcomes);
    return isSigned;
  }

  #key(holder: Certificate): VerifyingKey {
    const { keys } = this.#known;
    const spki = latin1(holder.spki);
    const known = keys.get(spki);
    if (known !== undefined) return known;
    const key = this.#provider.loadVerifyingKey(holder.spki, { minRsaBits: this.#minRsaBits });
    if (keys.size >= MAX_KEYS) keys.delete(keys.keys().next().value as string);
    keys.set(spki, key);
    return key;
  }
}
