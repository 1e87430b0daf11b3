import type { Command } from 'commander';
import { examples } from './output.ts';
import { registerInspection } from './pki/inspection.ts';
import { registerIssuing } from './pki/issuing.ts';
import { registerOcsp } from './pki/ocsp.ts';
import { registerRevocation } from './pki/revocation.ts';

export function register(program: Command): void {
  const pki = program
    .command('pki')
    .summary('a certificate authority for development and tests')
    .description(
      'A certificate authority for development and tests. Everything is in one folder (--dir, default pki):\n' +
        'ca.pem is what peers trust, ca.key stays there, issued/ has certificates and keys, crl.pem the revocations.\n' +
        'Its keys lie unencrypted on disk: do not use it for production.',
    )
    .usage('<command> [options]')
    .addHelpText(
      'after',
      examples(
        ['a CA, a certificate for a service, and its status', 'xpscerpto pki init --name "Example CA"'],
        ['a certificate for both ends of channels', 'xpscerpto pki issue --name orders --uri spiffe://example.org/orders'],
        ['the service lost its key: tell everybody', 'xpscerpto pki revoke orders --reason keyCompromise'],
      ),
    );
  registerIssuing(pki);
  registerRevocation(pki);
  registerOcsp(pki);
  registerInspection(pki);
}
