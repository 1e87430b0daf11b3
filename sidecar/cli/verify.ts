import { type Command, Option } from 'commander';
import { XpsError } from '../../base/errors.ts';
import { type BatchRequest, readBatchRequest } from '../../certs/batch-request.ts';
import { readPem, writePem } from '../../certs/pem.ts';
import { validatePath } from '../../certs/validation.ts';
import { createCrypto } from '../../engines/registry.ts';
import { readEnvironment } from '../config/environment.ts';
import { readInput } from './input-file.ts';
import { countOption, jsonOption, repeatable } from './options.ts';
import { demand, examples, EXIT, print, printJson } from './output.ts';
import { verdictJson, verdictText } from './verify/report.ts';

interface VerifyOptions {
  readonly trust?: readonly string[];
  readonly untrusted?: readonly string[];
  readonly crl?: readonly string[];
  readonly ocsp?: readonly string[];
  readonly purpose: 'server' | 'client' | 'any';
  readonly name?: readonly string[];
  readonly revocation: 'hard' | 'soft' | 'off';
  readonly time?: string;
  readonly policy?: readonly string[];
  readonly anchors: 'certificate' | 'key';
  readonly maxDepth?: number;
  readonly minRsaBits?: number;
  readonly statusMaxAge?: number;
  readonly json?: true;
  readonly batch?: true;
}

export function register(program: Command): void {
  program
    .command('verify')
    .description(
      'Judge one certificate as a tunnel would: path, signatures, dates, usage, constraints, policies, names, revocation.\n' +
        'Further certificates in LEAF count as --untrusted. Ends with 0 when it is valid, 1 when it is not.',
    )
    .argument('[leaf]', 'PEM file, leaf first')
    .addOption(repeatable('--trust <file>', 'PEM of trust anchors (needed)'))
    .addOption(repeatable('--untrusted <file>', 'PEM of intermediates'))
    .addOption(repeatable('--crl <file>', 'CRLs, PEM or DER'))
    .addOption(repeatable('--ocsp <file>', 'OCSP answer, DER'))
    .addOption(new Option('--purpose <role>', 'role of its holder').choices(['server', 'client', 'any']).default('any'))
    .addOption(repeatable('--name <name>', 'dns:…, ip:…, uri:… or email:… that it must carry'))
    .addOption(new Option('--revocation <mode>', 'hard: unknown is refused; soft: unknown passes').choices(['hard', 'soft', 'off']).default('hard'))
    .option('--time <time>', 'judge at this time, such as 2027-01-31T12:00:00Z (default: now)')
    .addOption(repeatable('--policy <oid>', 'acceptable certificate policy'))
    .addOption(new Option('--anchors <mode>', "certificate: an anchor's dates and extensions bind, too; key: only its name and key").choices(['certificate', 'key']).default('certificate'))
    .addOption(countOption('--max-depth <n>', 'intermediates at most', { min: 0, max: 64 }))
    .addOption(countOption('--min-rsa-bits <n>', 'shortest RSA key', { min: 512, max: 8192 }))
    .addOption(countOption('--status-max-age <s>', 'greatest age of a CRL or OCSP answer, in seconds', { min: 0, max: 4_000_000_000 }))
    .addOption(jsonOption())
    .option('--batch', 'read one JSON object per line, write one per line, in order; see docs/OPERATIONS.md')
    .addHelpText(
      'after',
      examples(
        ['a certificate of the development CA, with its CRL', 'xpscerpto verify --trust pki/ca.pem --crl pki/crl.pem pki/issued/orders.pem'],
        ['would a client accept it under this name?', 'xpscerpto verify --trust pki/ca.pem --crl pki/crl.pem --purpose server --name dns:db.example.com pki/issued/db.pem'],
        ['without revocation, a month from now', 'xpscerpto verify --trust pki/ca.pem --revocation off --time 2027-01-01T00:00:00Z pki/issued/orders.pem'],
        ['many cases', 'xpscerpto verify --batch < cases.jsonl > answers.jsonl'],
      ),
    )
    .action(async (leaf: string | undefined, options: VerifyOptions) => (options.batch === true ? batch(leaf, options) : verify(leaf, options)));
}

async function verify(leaf: string | undefined, options: VerifyOptions): Promise<void> {
  const read = await readCase(demand(leaf, 'LEAF'), options);
  const crypto = openCrypto();
  const verdict = validatePath(read.request, crypto);
  if (options.json === true) printJson(verdictJson(verdict, read));
  else print(verdictText(verdict, read));
  if (!verdict.valid) process.exitCode = EXIT.failure;
}

async function batch(leaf: string | undefined, { trust, untrusted, crl, ocsp, name, time }: VerifyOptions): Promise<void> {
  if ([leaf, trust, untrusted, crl, ocsp, name, time].some((given) => given !== undefined)) {
    throw new XpsError('usage_invalid', { detail: '--batch takes everything from standard input, no LEAF and no file' });
  }
  const { verifyBatchLines } = await import('../../certs/batch.ts');
  const crypto = openCrypto();
  process.stdin.setEncoding('utf8');
  for await (const line of verifyBatchLines(process.stdin as AsyncIterable<string>, crypto, Date.now)) {
    // A reader that is slower than this holds it up, instead of filling memory.
    if (!process.stdout.write(line)) await new Promise((resolve) => process.stdout.once('drain', resolve));
  }
}

function openCrypto(): ReturnType<typeof createCrypto> {
  const { engine } = readEnvironment();
  // The addon brings nothing that a verification uses.
  return createCrypto({ engine: engine === 'portable' ? 'portable' : 'openssl', forbid: [] });
}

/** The form of a line of `--batch`, so that both ways judge alike. */
async function readCase(leafFile: string, options: VerifyOptions): Promise<BatchRequest> {
  const trust = demand(options.trust, '--trust');
  const [leaf, ...chain] = await certificates(leafFile);
  if (leaf === undefined) throw new XpsError('file_unreadable', { detail: `${leafFile} holds no certificate in PEM form` });
  const fields = {
    leaf,
    trust: (await Promise.all(trust.map(certificates))).flat(),
    untrusted: [...chain, ...(await Promise.all((options.untrusted ?? []).map(certificates))).flat()],
    crls: (await Promise.all((options.crl ?? []).map(crls))).flat(),
    ocsp: (await Promise.all((options.ocsp ?? []).map(readInput))).map((der) => der.toString('base64')),
    purpose: options.purpose,
    names: options.name ?? [],
    revocation: options.revocation,
    policies: options.policy ?? [],
    require_explicit_policy: options.policy !== undefined,
    anchors: options.anchors,
    ...(options.time !== undefined && { time: options.time }),
    ...(options.maxDepth !== undefined && { max_depth: options.maxDepth }),
    ...(options.minRsaBits !== undefined && { min_rsa_bits: options.minRsaBits }),
    ...(options.statusMaxAge !== undefined && { status_max_age_s: options.statusMaxAge }),
  };
  const read = readBatchRequest(fields, Date.now());
  // A batch goes on without what it cannot read; a person who named the file wants to know.
  const [unread] = read.leftOut;
  if (unread !== undefined) throw new XpsError('certificate_malformed', { detail: unread.why });
  return read;
}

async function certificates(file: string): Promise<readonly string[]> {
  const blocks = readPem((await readInput(file)).toString('utf8'), ['CERTIFICATE']);
  if (blocks.length === 0) throw new XpsError('file_unreadable', { detail: `${file} holds no certificate in PEM form` });
  return blocks.map(({ der }) => writePem('CERTIFICATE', der));
}

async function crls(file: string): Promise<readonly string[]> {
  const content = await readInput(file);
  // DER begins with a SEQUENCE, text never does: 0x30 is the digit 0.
  if (content[0] === 0x30 && (content[1] ?? 0) >= 0x80) return [writePem('X509 CRL', content)];
  const blocks = readPem(content.toString('utf8'), ['X509 CRL']);
  if (blocks.length === 0) throw new XpsError('file_unreadable', { detail: `${file} holds no CRL in PEM or DER form` });
  return blocks.map(({ der }) => writePem('X509 CRL', der));
}
