import type { Command } from 'commander';
import type { IssuedRecord } from '../../../certs/ca/issued-index.ts';
import { jsonOption } from '../options.ts';
import { examples, print, printJson, styled, table } from '../output.ts';
import { dateText, folderOption, type FolderOptions } from './folder-option.ts';

export function registerInspection(pki: Command): void {
  pki
    .command('pin')
    .description('print the pins of the keys in PEM files, for trust.pins')
    .argument('<file...>', 'PEM files with certificates')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nA pin is the SHA-256 of a public key. It stays the same when a certificate is renewed with the same key.\n' +
        examples(['pin the CA', 'xpscerpto pki pin pki/ca.pem'], ['pin one service and its CA', 'xpscerpto pki pin pki/issued/orders.pem pki/ca.pem']),
    )
    .action(pin);

  pki
    .command('show')
    .description('list what the CA has issued, or show the certificates of a PEM file')
    .argument('[file]', 'PEM file with certificates')
    .addOption(folderOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(['everything that was issued', 'xpscerpto pki show'], ['one certificate and its chain', 'xpscerpto pki show pki/issued/orders.pem']),
    )
    .action(async (file: string | undefined, options: FolderOptions) => (file === undefined ? list(options) : show(file, options)));
}

async function pin(files: readonly string[], options: { readonly json?: true }): Promise<void> {
  const { describeFile } = await import('./description.ts');
  const described = (await Promise.all(files.map(describeFile))).flat();
  if (options.json === true) return printJson(described.map(({ file, subject, pin: value }) => ({ file, subject, pin: value })));
  // YAML that can be pasted as it is.
  for (const { subject, pin: value } of described) print(`- "${value}"  # ${subject}`);
}

async function list(options: FolderOptions): Promise<void> {
  const { Authority } = await import('../../../certs/ca/authority.ts');
  const authority = await Authority.open(options.dir);
  const records = await authority.issued();
  if (options.json === true) return printJson(records.map((record) => ({ ...record, status: statusOf(record) })));
  print(`${authority.name}: ${records.length} issued, valid until ${dateText(authority.certificate.notAfter.getTime())}`);
  if (records.length === 0) return;
  const rows = records.map((record) => [record.name, record.purpose, statusOf(record), dateText(record.notAfter), record.serial]);
  print(table([['NAME', 'PURPOSE', 'STATUS', 'VALID UNTIL', 'SERIAL NUMBER'], ...rows]));
}

function statusOf({ revoked, notAfter }: IssuedRecord): string {
  if (revoked !== undefined) return `revoked: ${revoked.reason}`;
  return Date.parse(notAfter) < Date.now() ? 'expired' : 'valid';
}

async function show(file: string, options: FolderOptions): Promise<void> {
  const { describeFile } = await import('./description.ts');
  const described = await describeFile(file);
  if (options.json === true) return printJson(described);
  for (const { subject, issuer, serial, notBefore, notAfter, key, names, pin: value, sha256 } of described) {
    print(styled('bold', subject));
    print(
      table([
        ['  issuer', issuer],
        ['  serial number', serial],
        ['  valid', `${dateText(notBefore)} to ${dateText(notAfter)}`],
        ['  key', key],
        ['  names', names.join(' ') || 'none'],
        ['  pin', value],
        ['  sha256', sha256],
      ]),
    );
  }
}
