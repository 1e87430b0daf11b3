import { type Command, Option } from 'commander';
import type { IssuedCrl } from '../../../certs/ca/authority.ts';
import type { RevocationReason } from '../../../certs/ca/issued-index.ts';
import { daysOption, jsonOption } from '../options.ts';
import { examples, print, printJson } from '../output.ts';
import { dateText, folderOption, type FolderOptions } from './folder-option.ts';

interface RevokeOptions extends FolderOptions {
  readonly reason: RevocationReason;
  /** Commander's form of `--no-crl`. */
  readonly crl: boolean;
}

interface CrlOptions extends FolderOptions {
  readonly days?: number;
}

const REASONS: readonly RevocationReason[] = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
  'aACompromise',
];

export function registerRevocation(pki: Command): void {
  pki
    .command('revoke')
    .description('revoke a certificate and write a new CRL')
    .argument('<name>', 'name (its newest certificate) or serial number')
    .addOption(folderOption())
    .addOption(new Option('--reason <reason>', 'why (RFC 5280 §5.3.1)').choices(REASONS).default('unspecified'))
    .option('--no-crl', 'only note it; the next pki crl or delta-crl tells others')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nA revocation cannot be taken back.\n' +
        examples(
          ['the key was stolen', 'xpscerpto pki revoke orders --reason keyCompromise'],
          ['one of several certificates of a name', 'xpscerpto pki revoke 565cffb8a7f5eeacedd95aa09ec4a5ee1e04a0f8 --reason superseded'],
        ),
    )
    .action(revoke);

  pki
    .command('crl')
    .description('write a complete CRL: crl.pem')
    .addOption(folderOption())
    .addOption(daysOption('--days <n>', 'how long it is good for (default: what pki init was told)'))
    .addOption(jsonOption())
    .addHelpText('after', examples(['before the old one runs out', 'xpscerpto pki crl'], ['good for six hours', 'xpscerpto pki crl --days 0.25']))
    .action(async (options: CrlOptions) => writeCrl(options, 'crl'));

  pki
    .command('delta-crl')
    .description('write what was revoked since the last complete CRL: delta-crl.pem')
    .addOption(folderOption())
    .addOption(daysOption('--days <n>', 'how long it is good for (default: what pki init was told)'))
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(['revoke without a new complete CRL', 'xpscerpto pki revoke orders --no-crl'], ['and publish the difference', 'xpscerpto pki delta-crl --days 1']),
    )
    .action(async (options: CrlOptions) => writeCrl(options, 'deltaCrl'));
}

async function revoke(name: string, options: RevokeOptions): Promise<void> {
  const { Authority } = await import('../../../certs/ca/authority.ts');
  const authority = await Authority.open(options.dir);
  const record = await authority.revoke(name, options.reason);
  const crl = options.crl ? await authority.crl() : undefined;
  if (options.json === true) return printJson({ name: record.name, serial: record.serial, revoked: record.revoked, crlFile: crl?.file });
  print(`${record.name}: serial number ${record.serial} is revoked (${record.revoked?.reason ?? options.reason})`);
  if (crl !== undefined) reportCrl(crl);
}

async function writeCrl(options: CrlOptions, kind: 'crl' | 'deltaCrl'): Promise<void> {
  const { Authority } = await import('../../../certs/ca/authority.ts');
  const authority = await Authority.open(options.dir);
  const { days } = options;
  const crl = await authority[kind](days === undefined ? {} : { days });
  if (options.json === true) return printJson({ file: crl.file, number: crl.number, revoked: crl.revoked, nextUpdate: new Date(crl.nextUpdateMs).toISOString() });
  reportCrl(crl);
}

function reportCrl({ file, number, revoked, nextUpdateMs }: IssuedCrl): void {
  print(`${file}: CRL number ${number} with ${revoked} revoked, good until ${dateText(nextUpdateMs)}`);
}
