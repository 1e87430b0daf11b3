/** What a SubjectPublicKeyInfo holds, read without loading the key. `unsupported` keys are refused as weak. */
export interface PublicKeyForm {
  readonly algorithm: 'ed25519' | 'p256' | 'p384' | 'rsa' | 'unsupported';
  /** Modulus bits for RSA, curve bits otherwise; 0 when unsupported. */
  readonly bits: number;
  /** For messages: the algorithm as people call it. */
  readonly text: string;
}
