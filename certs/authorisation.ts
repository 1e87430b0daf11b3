import type { Bytes } from '../base/bytes.ts';

/** Placeholder until certs/verifier.ts lands. */
export class AuthorisedPeer {
  readonly kind = 'authenticated';
  readonly leafSha256: Bytes;
  readonly name: string;
  readonly validUntilMs: number;
  constructor(leafSha256: Bytes, name: string, validUntilMs: number) {
    this.leafSha256 = leafSha256;
    this.name = name;
    this.validUntilMs = validUntilMs;
  }
  continues(before: AuthorisedPeer): boolean {
    return before.name === this.name;
  }
}
