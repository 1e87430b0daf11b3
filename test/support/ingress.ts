import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Files of a certificate for the TLS of an ingress on 127.0.0.1, signed by itself. */
export function ingressCertificate(dir: string): { readonly cert: string; readonly key: string } {
  const cert = join(dir, 'ingress.pem');
  const key = join(dir, 'ingress.key');
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=ingress',
    '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert,
  ], { stdio: 'ignore' });
  return { cert, key };
}
