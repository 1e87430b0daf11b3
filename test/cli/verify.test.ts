import t from 'tap';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Authority } from '../../certs/ca/authority.ts';
import { xpscerpto } from '../support/command.ts';

interface Folder {
  readonly cwd: string;
  readonly root: Authority;
  readonly sub: Authority;
}

/** root ← sub ← orders (good), gone (revoked by the CRL of sub). */
async function newFolder(cwd: string): Promise<Folder> {
  const root = await Authority.create(join(cwd, 'root'), { name: 'Root' });
  const sub = await Authority.create(join(cwd, 'sub'), { name: 'Sub', parent: root });
  await sub.issue({ name: 'orders', dns: ['orders.test'], uris: ['spiffe://example.org/orders'], purpose: 'server' });
  await sub.issue({ name: 'gone' });
  await sub.revoke('gone', 'keyCompromise');
  await sub.crl();
  const answers = await sub.ocsp();
  for (const name of ['orders', 'gone']) writeFileSync(join(cwd, `${name}.ocsp`), answers.answerFor(await sub.find(name)));
  return { cwd, root, sub };
}

const STATUS = '--crl root/crl.pem --crl sub/crl.pem';

const { cwd, root, sub } = await newFolder(t.testdir());
const verify = async (line: string) => xpscerpto(['verify', ...line.split(' ')], { cwd });

t.test('a valid certificate: every check by its name', async (t) => {
  const { code, stdout, stderr } = await verify(`--trust root/ca.pem ${STATUS} --purpose server --name dns:orders.test sub/issued/orders.pem`);
  t.equal(code, 0, stderr);
  t.match(stdout, /^valid: CN=orders, to be judged again by \d{4}-/);
  const checks = [...stdout.matchAll(/^ {2}([✓·]) (\w+) +(.*)$/gm)].map((match) => match.slice(1));
  t.same(checks.map(([mark, name]) => `${mark}${name}`), ['✓trust', '✓signatures', '✓dates', '✓usage', '✓constraints', '·policies', '✓names', '✓revocation']);
  t.match(stdout, /CN=orders ← CN=Sub ← CN=Root/);
  t.match(stdout, /CN=orders good \(CRL\), CN=Sub good \(CRL\)/);
});

const refusals: readonly (readonly [title: string, line: string, said: RegExp])[] = [
  ['revoked by a CRL', `--trust root/ca.pem ${STATUS} sub/issued/gone.pem`, /^revoked: CN=gone\n {2}✗ revocation/],
  ['revoked by OCSP', '--trust root/ca.pem --crl root/crl.pem --ocsp gone.ocsp sub/issued/gone.pem', /^revoked: CN=gone/],
  ['of unknown status', '--trust root/ca.pem sub/issued/orders.pem', /^status_unknown: .*\n {2}✗ revocation[^]*what to do +provide a current CRL/],
  ['for another role', `--trust root/ca.pem ${STATUS} --purpose client sub/issued/orders.pem`, /^wrong_usage: .*\n {2}✗ usage/],
  ['with another name', `--trust root/ca.pem ${STATUS} --name uri:spiffe://example.org/billing sub/issued/orders.pem`, /^wrong_name: .*\n {2}✗ names/],
  ['before its time', '--trust root/ca.pem --revocation off --time 2020-01-01T00:00:00Z sub/issued/orders.pem', /^not_yet_valid: .*\n {2}✗ dates/],
  ['after its time', '--trust root/ca.pem --revocation off --time 2099-01-01T00:00:00+01:00 sub/issued/orders.pem', /^expired: .*\n {2}✗ dates/],
  ['of nobody we trust', '--trust other.pem --revocation off sub/issued/orders.pem', /^untrusted: .*\n {2}✗ trust/],
];

for (const [title, line, said] of refusals) {
  t.test(`a certificate ${title} is refused with exit code 1`, async (t) => {
    if (title === 'of nobody we trust') {
      const other = await Authority.create(join(cwd, 'other'), { name: 'Other' });
      writeFileSync(join(cwd, 'other.pem'), readFileSync(other.certFile));
    }
    const { code, stdout, stderr } = await verify(line);
    t.equal(code, 1);
    t.match(stdout, said);
    t.match(stdout, / {4}certificate +CN=\w+, serial number [0-9a-f]{40}/);
    t.equal(stderr, '');
  });
}

t.test('soft and off let an unknown status pass, and say so', async (t) => {
  t.match(await verify('--trust root/ca.pem --revocation soft sub/issued/orders.pem'), { code: 0, stdout: /CN=orders unknown, CN=Sub unknown/ });
  t.match(await verify('--trust root/ca.pem --revocation off sub/issued/orders.pem'), { code: 0, stdout: /· revocation +not asked for/ });
  t.match(await verify('--trust root/ca.pem --revocation soft --crl sub/crl.pem sub/issued/gone.pem'), { code: 1, stdout: /^revoked/ }, 'soft forgives ignorance, not knowledge');
});

t.test('OCSP answers for the leaf, CRLs for the rest', async (t) => {
  t.match(await verify('--trust root/ca.pem --crl root/crl.pem --ocsp orders.ocsp sub/issued/orders.pem'), { code: 0, stdout: /CN=orders good \(OCSP\), CN=Sub good \(CRL\)/ });
});

t.test('a delta CRL completes its base', async (t) => {
  const folder = await newFolder(t.testdir());
  await folder.sub.revoke('orders');
  await folder.sub.deltaCrl();
  const line = `verify --trust root/ca.pem ${STATUS} --crl sub/delta-crl.pem sub/issued/orders.pem`;
  t.match(await xpscerpto(line.split(' '), { cwd: folder.cwd }), { code: 1, stdout: /^revoked: CN=orders/ });
});

t.test('JSON has the same verdict', async (t) => {
  const good = await verify(`--json --trust root/ca.pem ${STATUS} sub/issued/orders.pem`);
  t.match(JSON.parse(good.stdout), { valid: true, code: 'ok', path: ['CN=orders', 'CN=Sub', 'CN=Root'], statuses: [{ status: 'good', source: 'crl' }, { status: 'good' }] });
  const gone = await verify(`--json --trust root/ca.pem ${STATUS} sub/issued/gone.pem`);
  t.equal(gone.code, 1);
  t.match(JSON.parse(gone.stdout), { valid: false, code: 'revoked', certificate: 'CN=gone' });
});

t.test('files that cannot be used are named', async (t) => {
  writeFileSync(join(cwd, 'text.txt'), 'nothing');
  t.match(await verify('--trust missing.pem sub/issued/orders.pem'), { code: 1, stderr: /a file cannot be read \(missing\.pem: it does not exist\)/ });
  t.match(await verify('--trust text.txt sub/issued/orders.pem'), { code: 1, stderr: /text\.txt holds no certificate/ });
  t.match(await verify('--trust root/ca.pem --crl text.txt sub/issued/orders.pem'), { code: 1, stderr: /text\.txt holds no CRL/ });
  t.match(await verify('--trust root/ca.pem --ocsp text.txt sub/issued/orders.pem'), { code: 1, stderr: /breaks the rules of its encoding \(ocsp\[0\]/ });
  t.match(await verify('sub/issued/orders.pem'), { code: 2, stderr: /--trust is missing; see xpscerpto verify --help/ });
  t.match(await verify('--trust root/ca.pem'), { code: 2, stderr: /LEAF is missing/ });
  t.match(await verify('--trust root/ca.pem --time yesterday sub/issued/orders.pem'), { code: 2, stderr: /RFC 3339/ });
  t.match(await verify('--batch --trust root/ca.pem'), { code: 2, stderr: /everything from standard input/ });
});

t.test('a CRL may be DER', async (t) => {
  const pem = readFileSync(sub.crlFile, 'utf8').replaceAll(/-----.*-----|\s/g, '');
  writeFileSync(join(cwd, 'sub.crl'), Buffer.from(pem, 'base64'));
  t.match(await verify('--trust root/ca.pem --crl root/crl.pem --crl sub.crl sub/issued/gone.pem'), { code: 1, stdout: /^revoked/ });
});

t.test('a batch answers line by line, in order, and ends with 0', async (t) => {
  const text = (file: string) => readFileSync(file, 'utf8');
  const [orders, middle] = text(join(cwd, 'sub/issued/orders.pem')).split(/(?<=-----END CERTIFICATE-----\n)/) as [string, string];
  const common = { trust: [text(root.certFile)], untrusted: [middle], crls: [text(root.crlFile), text(sub.crlFile)] };
  const lines = [
    JSON.stringify({ id: 'good', ...common, leaf: orders }),
    'this is not JSON',
    '',
    JSON.stringify({ id: 3, ...common, leaf: text(join(cwd, 'sub/issued/gone.pem')).split(/(?<=-----END CERTIFICATE-----\n)/)[0], purpose: 'any' }),
    JSON.stringify({ id: 'no leaf' }),
  ];
  const { code, stdout, stderr } = await xpscerpto(['verify', '--batch'], { input: lines.join('\n') });
  t.equal(code, 0, stderr);
  const answers = stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  t.match(answers, [
    { id: 'good', valid: true, code: 'ok' },
    { id: null, valid: false, code: 'malformed' },
    { id: 3, valid: false, code: 'revoked' },
    { id: 'no leaf', valid: false, code: 'malformed' },
  ]);
});

t.test('a batch of many cases keeps up, and holds no more than its reader takes', async (t) => {
  const text = (file: string) => readFileSync(file, 'utf8');
  const leaf = text(join(cwd, 'sub/issued/orders.pem')).split(/(?<=-----END CERTIFICATE-----\n)/)[0];
  const line = JSON.stringify({ id: 1, trust: [text(root.certFile)], untrusted: [text(sub.certFile)], crls: [text(root.crlFile), text(sub.crlFile)], leaf });
  const { stdout } = await xpscerpto(['verify', '--batch'], { input: `${line}\n`.repeat(600) });
  const answers = stdout.trimEnd().split('\n');
  t.equal(answers.length, 600);
  t.ok(answers.every((answer) => answer.includes('"valid":true')));
});
