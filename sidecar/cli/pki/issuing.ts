import { type Command, Option } from 'commander';
import { XpsError } from '../../../base/errors.ts';
import type { Authority, Issued, IssueRequest } from '../../../certs/ca/authority.ts';
import type { StatusUrls } from '../../../certs/ca/profiles.ts';
import type { KeyType } from '../../../engines/key-generation.ts';
import { readInput } from '../input-file.ts';
import { countOption, daysOption, jsonOption, repeatable } from '../options.ts';
import { demand, examples, print, printJson, table } from '../output.ts';
import { dateText, folderOption, type FolderOptions } from './folder-option.ts';

interface InitOptions extends FolderOptions {
  readonly name?: string;
  readonly keyType: KeyType;
  readonly days?: number;
  readonly crlDays?: number;
  readonly parent?: string;
  readonly pathLength?: number;
  readonly permit?: readonly string[];
  readonly exclude?: readonly string[];
  readonly crlUrl?: string;
  readonly deltaCrlUrl?: string;
  readonly ocspUrl?: string;
  readonly force?: true;
}

interface IssueOptions extends FolderOptions {
  readonly name?: string;
  readonly dns?: readonly string[];
  readonly uri?: readonly string[];
  readonly ip?: readonly string[];
  readonly email?: readonly string[];
  readonly days?: number;
  readonly keyType: KeyType;
  readonly purpose: NonNullable<IssueRequest['purpose']>;
  readonly mustStaple?: true;
  readonly csr?: string;
  readonly force?: true;
}

interface RenewOptions extends FolderOptions {
  readonly days?: number;
  readonly keepKey?: true;
  readonly ca?: true;
  readonly parent?: string;
}

export function registerIssuing(pki: Command): void {
  pki
    .command('init')
    .description('make a CA: key, certificate and an empty CRL')
    .addOption(folderOption())
    .option('--name <name>', 'common name of the CA (needed)')
    .addOption(keyTypeOption())
    .addOption(daysOption('--days <n>', 'how long it is valid (default: 3650, with --parent 730)'))
    .addOption(daysOption('--crl-days <n>', 'how long each CRL is good for (default: 7)'))
    .option('--parent <folder>', 'make an intermediate, certified by the CA of this folder')
    .addOption(countOption('--path-length <n>', 'how many CAs may follow below this one', { min: 0, max: 16 }))
    .addOption(repeatable('--permit <name>', 'issue only for dns:example.com, uri:host, email:host, ip:10.0.0.0/8'))
    .addOption(repeatable('--exclude <name>', 'never issue for such names'))
    .option('--crl-url <url>', 'where peers can fetch the CRL; goes into what is issued')
    .option('--delta-crl-url <url>', 'the same for delta CRLs')
    .option('--ocsp-url <url>', 'where peers can ask for OCSP answers; goes into what is issued')
    .option('--force', 'replace a CA that is there, and its key')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(
        ['a root in ./pki', 'xpscerpto pki init --name "Example CA"'],
        ['an intermediate that may only issue for one domain', 'xpscerpto pki init --dir pki/orders --parent pki --name "Orders CA" --permit dns:orders.example.com'],
        ['a root whose certificates name a responder (see pki ocsp-responder)', 'xpscerpto pki init --name "Example CA" --ocsp-url http://127.0.0.1:2560'],
      ),
    )
    .action(init);

  pki
    .command('issue')
    .description('issue a certificate: a key and the chain, leaf first')
    .addOption(folderOption())
    .option('--name <name>', 'common name, and name of the files (needed)')
    .addOption(repeatable('--dns <name>', 'DNS name'))
    .addOption(repeatable('--uri <uri>', 'URI, such as a SPIFFE ID'))
    .addOption(repeatable('--ip <address>', 'IP address'))
    .addOption(repeatable('--email <address>', 'e-mail address'))
    .addOption(daysOption('--days <n>', 'how long it is valid (default: 90, or as long as the CA)'))
    .addOption(keyTypeOption())
    .addOption(new Option('--purpose <role>', 'peer is both ends of a channel').choices(['peer', 'client', 'server', 'ocsp']).default('peer'))
    .option('--must-staple', 'peers must refuse it without a stapled OCSP answer')
    .option('--csr <file>', 'certify the key of this request (PKCS #10); its names count when none are given')
    .option('--force', 'replace files of the same name')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nWithout any name the --name itself becomes a DNS name, if it can be one.\n' +
        examples(
          ['both ends of a channel, known by a SPIFFE ID', 'xpscerpto pki issue --name orders --uri spiffe://example.org/orders'],
          ['a server known by names, with an Ed25519 key, for a week', 'xpscerpto pki issue --name db --dns db.example.com --ip 10.0.0.7 --key-type ed25519 --days 7'],
          ['a key that was made elsewhere', 'xpscerpto pki issue --name legacy --csr legacy.csr'],
        ),
    )
    .action(issue);

  pki
    .command('renew')
    .description('issue a certificate again with the same names, valid from now')
    .argument('[name]', 'name or serial number')
    .addOption(folderOption())
    .addOption(daysOption('--days <n>', 'how long it is valid (default: 90, or as long as the CA)'))
    .option('--keep-key', 'keep the key; otherwise a new one replaces it')
    .option('--ca', 'renew the certificate of the CA itself, with its key')
    .option('--parent <folder>', 'with --ca, for an intermediate: the CA above it')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(
        ['new key and certificate in the same files; a running sidecar takes them up', 'xpscerpto pki renew orders'],
        ['keep the key, because somebody pinned it', 'xpscerpto pki renew orders --keep-key --days 30'],
        ['the CA itself, before it ends', 'xpscerpto pki renew --ca'],
      ),
    )
    .action(renew);
}

function keyTypeOption(): Option {
  return new Option('--key-type <type>', 'kind of key').choices(['p256', 'p384', 'ed25519', 'rsa']).default('p256');
}

async function init(options: InitOptions): Promise<void> {
  const name = demand(options.name, '--name');
  const { Authority } = await import('../../../certs/ca/authority.ts');
  const { dir, keyType, days, crlDays, pathLength, permit = [], exclude = [] } = options;
  const parent = options.parent === undefined ? undefined : await Authority.open(options.parent);
  const hasConstraints = permit.length + exclude.length > 0;
  const authority = await Authority.create(dir, {
    name,
    keyType,
    force: options.force === true,
    urls: urlsOf(options),
    ...(days !== undefined && { days }),
    ...(crlDays !== undefined && { crlDays }),
    ...(pathLength !== undefined && { pathLength }),
    ...(parent !== undefined && { parent }),
    ...(hasConstraints && { constraints: { permitted: permit, excluded: exclude } }),
  });
  const { certFile, crlFile, certificate } = authority;
  const notAfter = certificate.notAfter.toISOString();
  if (options.json === true) return printJson({ name: authority.name, certFile, crlFile, notAfter });
  print(`${authority.name}: valid until ${dateText(notAfter)}`);
  print(
    table([
      ['  certificate', certFile, parent === undefined ? 'what peers trust: trust.bundles' : 'goes out with every certificate that it issues'],
      ['  CRL', crlFile, 'revoked certificates: trust.revocation.crl'],
    ]),
  );
  print(`Next: xpscerpto pki issue --dir ${dir} --name orders --uri spiffe://example.org/orders`);
}

function urlsOf({ crlUrl, deltaCrlUrl, ocspUrl }: InitOptions): StatusUrls {
  return {
    ...(crlUrl !== undefined && { crl: crlUrl }),
    ...(deltaCrlUrl !== undefined && { deltaCrl: deltaCrlUrl }),
    ...(ocspUrl !== undefined && { ocsp: ocspUrl }),
  };
}

async function issue(options: IssueOptions): Promise<void> {
  const name = demand(options.name, '--name');
  const { Authority } = await import('../../../certs/ca/authority.ts');
  const authority = await Authority.open(options.dir);
  const { dns, uri, ip, email, days, keyType, purpose } = options;
  const given = { ...(dns && { dns }), ...(uri && { uris: uri }), ...(ip && { ips: ip }), ...(email && { emails: email }) };
  const request = options.csr === undefined ? undefined : await readRequest(options.csr);
  const names = request !== undefined && Object.keys(given).length === 0 ? request.names : given;
  const issued = await authority.issue({
    name,
    keyType,
    purpose,
    mustStaple: options.mustStaple === true,
    force: options.force === true,
    ...names,
    ...(days !== undefined && { days }),
    ...(request !== undefined && { spki: request.spki }),
  });
  report(issued, options);
}

async function renew(name: string | undefined, options: RenewOptions): Promise<void> {
  if ((name === undefined) !== (options.ca === true)) throw new XpsError('usage_invalid', { detail: 'pki renew takes either a name or --ca' });
  const { Authority } = await import('../../../certs/ca/authority.ts');
  const authority = await Authority.open(options.dir);
  const { days } = options;
  if (name === undefined) {
    const parent = options.parent === undefined ? undefined : await Authority.open(options.parent);
    return reportCa(await authority.renewSelf({ ...(days !== undefined && { days }), ...(parent !== undefined && { parent }) }), options);
  }
  report(await authority.renew(name, { keepKey: options.keepKey === true, ...(days !== undefined && { days }) }), options);
}

async function readRequest(file: string): Promise<{ spki: Uint8Array; names: Partial<IssueRequest> }> {
  const { readSigningRequest } = await import('../../../certs/ca/signing-request.ts');
  return readSigningRequest((await readInput(file)).toString('utf8'), file);
}

function reportCa({ name, certFile, certificate }: Authority, { json }: FolderOptions): void {
  const notAfter = certificate.notAfter.toISOString();
  if (json === true) return printJson({ name, certFile, notAfter });
  print(`${name}: valid until ${dateText(notAfter)}`);
  print(`  certificate  ${certFile}  for the same key: peers that have the old one go on until it ends`);
}

function report(issued: Issued, { json }: FolderOptions): void {
  const { serial, name, certFile, keyFile, names, notAfterMs } = issued;
  if (json === true) return printJson({ name, serial, certFile, keyFile, notAfter: new Date(notAfterMs).toISOString(), names });
  print(`${name}: valid until ${dateText(notAfterMs)}, serial number ${serial}`);
  const listed = [...names.dns.map((dns) => `dns:${dns}`), ...names.uris, ...names.ips.map((ip) => `ip:${ip}`), ...names.emails.map((email) => `email:${email}`)];
  print(
    table([
      ['  certificate', certFile, 'with its intermediates: identity.cert'],
      ...(keyFile === undefined ? [] : [['  key', keyFile, 'identity.key']]),
      ['  names', listed.join(' ') || 'none'],
    ]),
  );
}
