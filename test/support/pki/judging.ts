// Runs the validator on forged material, with defaults that accept.
import type { Bytes } from '../../../base/bytes.ts';
import { parseCertificate } from '../../../certs/certificate.ts';
import { parseCrl } from '../../../certs/crl.ts';
import { parseOcspResponse } from '../../../certs/ocsp.ts';
import { REQUEST_DEFAULTS, validatePath, type ValidationRequest, type Verdict } from '../../../certs/validation.ts';
import { crypto } from '../test-crypto.ts';
import { type Holder, NOW_MS } from './forge.ts';

export interface Case {
  /** Leaf, intermediates in any order, anchor. */
  readonly chain: readonly Holder[];
  readonly anchors?: readonly Holder[];
  readonly crls?: readonly Bytes[];
  readonly ocsp?: readonly Bytes[];
  readonly with?: Partial<ValidationRequest>;
}

export function judge({ chain, anchors, crls = [], ocsp = [], with: overrides }: Case): Verdict {
  const [leaf, ...others] = chain.map(({ der }) => parseCertificate(der));
  const trusted = anchors === undefined ? others.slice(-1) : anchors.map(({ der }) => parseCertificate(der));
  if (leaf === undefined) throw new TypeError('no leaf');
  return validatePath(
    {
      ...REQUEST_DEFAULTS,
      leaf,
      intermediates: anchors === undefined ? others.slice(0, -1) : others,
      anchors: trusted,
      crls: crls.map((der) => parseCrl(der)),
      ocsp: ocsp.map((der) => parseOcspResponse(der)),
      timeMs: NOW_MS,
      purpose: 'server',
      revocation: crls.length + ocsp.length === 0 ? 'off' : 'hard',
      ...overrides,
    },
    crypto,
  );
}

/** `ok`, or the code of the refusal. */
export function code(wanted: Case): string {
  const verdict = judge(wanted);
  return verdict.valid ? 'ok' : verdict.code;
}
