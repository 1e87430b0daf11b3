import { XpsError } from '../base/errors.ts';
import { AEAD_PARAMETERS, type AeadAlgorithm, type CertificateSignatureAlgorithm, type Group } from './contract.ts';
import { SIGNATURE_ALGORITHMS, SIGNATURE_SHAPES } from './signature-algorithms.ts';

export type Algorithm = AeadAlgorithm | Group | CertificateSignatureAlgorithm;

export const AEAD_ALGORITHMS: readonly AeadAlgorithm[] = Object.keys(AEAD_PARAMETERS) as AeadAlgorithm[];
export const GROUPS: readonly Group[] = ['X25519', 'XWING'];
export const ALGORITHMS: readonly Algorithm[] = [...AEAD_ALGORITHMS, ...GROUPS, ...SIGNATURE_ALGORITHMS];

/** Nothing here uses them, so that forbidding them documents an intention and changes nothing. */
const NEVER_OFFERED: ReadonlySet<string> = new Set(['sha1', 'md5', 'des', '3des', 'rc4']);

/** `crypto.policy.forbid`, resolved to an allow-list. An unknown name is an error: it would forbid nothing. */
export class Policy {
  readonly forbidden: readonly string[];
  readonly #allowed: ReadonlySet<Algorithm>;

  constructor(forbid: readonly string[]) {
    for (const name of forbid) {
      const isKnown = name === 'rsa' || NEVER_OFFERED.has(name) || ALGORITHMS.includes(name as Algorithm);
      if (!isKnown) throw new XpsError('config_invalid', { detail: `crypto.policy.forbid: no algorithm is called ${JSON.stringify(name)}` });
    }
    this.forbidden = [...forbid];
    this.#allowed = new Set(ALGORITHMS.filter((algorithm) => !forbid.includes(algorithm) && !(forbid.includes('rsa') && isRsa(algorithm))));
  }

  isAllowed(algorithm: Algorithm): boolean {
    return this.#allowed.has(algorithm);
  }

  /** Throws `algorithm_forbidden`. */
  demand(algorithm: Algorithm): void {
    if (!this.isAllowed(algorithm)) throw new XpsError('algorithm_forbidden', { detail: algorithm });
  }
}

function isRsa(algorithm: Algorithm): boolean {
  return algorithm in SIGNATURE_SHAPES && SIGNATURE_SHAPES[algorithm as CertificateSignatureAlgorithm].key === 'rsa';
}
