import type { Bytes } from '../../base/bytes.ts';
import { XpsError } from '../../base/errors.ts';
import { openOpensslEngine } from '../../engines/openssl.ts';
import { type Certificate, parseCertificate } from '../certificate.ts';
import { REQUEST_DEFAULTS, validatePath } from '../validation.ts';
import { refuse } from './subject-names.ts';

/**
 * What this product would refuse is not issued: names outside the CA's constraints, weak keys, a path that is too
 * long. `above`: DER of the CAs from the issuer upwards, at least one; the highest stands in for the root.
 * Throws `ca_request_invalid`.
 */
export function checkAcceptable(issued: Bytes, above: readonly Bytes[]): void {
  const { signature, hash } = openOpensslEngine();
  if (signature === undefined || hash === undefined) throw new XpsError('internal_error', { detail: 'the OpenSSL engine lacks signatures or hashes' });
  const leaf = parseCertificate(issued);
  const cas = above.map(parseCertificate);
  const anchor = cas.at(-1) as Certificate;
  const verdict = validatePath(
    {
      ...REQUEST_DEFAULTS,
      leaf,
      intermediates: cas.slice(0, -1),
      anchors: [anchor],
      crls: [],
      ocsp: [],
      purpose: 'any',
      revocation: 'off',
      timeMs: Math.max(leaf.notBeforeMs, ...cas.map((ca) => ca.notBeforeMs)),
    },
    { signature, hash },
  );
  // Dates are a wish of whoever asks: tests want certificates that have ended.
  if (!verdict.valid && verdict.code !== 'expired' && verdict.code !== 'not_yet_valid') refuse(`it would be refused as ${verdict.code}: ${verdict.reason}`);
}
