import t from 'tap';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Authority, type IssueRequest } from '../../certs/ca/authority.ts';
import { COMMAND, xpscerpto } from '../support/command.ts';
import { openssl, opensslAsync, withoutOpenssl } from '../support/openssl.ts';

async function ran(cwd: string, line: string): Promise<string> {
  const { code, stdout, stderr } = await xpscerpto(line.split(' '), { cwd });
  t.equal(code, 0, `${line} ${stderr}`);
  return stdout;
}

async function json(cwd: string, line: string): Promise<Record<string, unknown>> {
  return JSON.parse(await ran(cwd, `${line} --json`)) as Record<string, unknown>;
}

/** What `pki init` and `pki issue` would make, where they are not what is tested: starting a process takes its time. */
async function made(cwd: string, orders: Partial<IssueRequest> = {}): Promise<void> {
  const authority = await Authority.create(join(cwd, 'pki'), { name: 'Example' });
  await authority.issue({ name: 'orders', ...orders });
}

t.test('a CA from the first command to a revoked certificate', async (t) => {
  const cwd = t.testdir();
  t.match(await ran(cwd, 'pki init --name Example'), /CN=Example: valid until[^]*pki\/ca\.pem[^]*Next: xpscerpto pki issue --dir pki/);
  t.match(await ran(cwd, 'pki issue --name orders --uri spiffe://example.org/orders --dns orders.test'), /pki\/issued\/orders\.key[^]*dns:orders\.test spiffe:\/\/example\.org\/orders/);
  t.match(await ran(cwd, 'pki show'), /orders +peer +valid/);
  const renewed = await json(cwd, 'pki renew orders --days 5');
  t.match(await ran(cwd, 'pki revoke orders --reason keyCompromise'), new RegExp(`${String(renewed['serial'])} is revoked \\(keyCompromise\\)\npki/crl.pem: CRL number 2 with 1 revoked`));
  t.match(await ran(cwd, 'pki show'), /orders +peer +valid[^]*orders +peer +revoked: keyCompromise/);

  await ran(cwd, 'pki issue --name billing');
  await ran(cwd, 'pki revoke billing --no-crl');
  t.match(await json(cwd, 'pki delta-crl'), { file: 'pki/delta-crl.pem', number: 3, revoked: 1 });
  t.match(await json(cwd, 'pki crl --days 0.5'), { file: 'pki/crl.pem', number: 4, revoked: 2 });
});

t.test('every option of init and issue reaches the certificate', { skip: withoutOpenssl }, async (t) => {
  const cwd = t.testdir();
  await ran(cwd, 'pki init --name Root --key-type p384 --days 100 --crl-days 1 --path-length 1 --crl-url http://crl.test/ --delta-crl-url http://delta.test/ --ocsp-url http://ocsp.test/');
  await ran(cwd, 'pki init --dir sub --parent pki --name Sub --permit dns:example.org --exclude dns:bad.example.org');
  await ran(cwd, 'pki issue --dir sub --name a.example.org --dns a.example.org --ip 10.0.0.7 --email ops@example.org --key-type ed25519 --days 5 --purpose server --must-staple');
  await ran(cwd, 'pki issue --name direct');
  const text = (file: string) => openssl(['x509', '-in', file, '-noout', '-text'], { cwd }).output;
  t.match(text('pki/ca.pem'), /secp384r1[^]*CA:TRUE, pathlen:1/);
  t.match(text('sub/ca.pem'), /CA:TRUE, pathlen:0[^]*Permitted:\s+DNS:example\.org\s+Excluded:\s+DNS:bad\.example\.org[^]*URI:http:\/\/crl\.test\//);
  t.match(text('sub/issued/a.example.org.pem'), /ED25519[^]*TLS Web Server Authentication\n[^]*DNS:a\.example\.org, IP Address:10\.0\.0\.7, email:ops@example\.org\n[^]*status_request/);
  t.match(text('pki/issued/direct.pem'), /CRL Distribution Points:[^]*http:\/\/crl\.test\/[^]*Freshest CRL:[^]*http:\/\/delta\.test\/[^]*OCSP - URI:http:\/\/ocsp\.test\//);
  t.match(openssl(['crl', '-in', 'pki/crl.pem', '-noout', '-text'], { cwd }).output, /Freshest CRL/);
});

t.test('pki renew --ca renews the CA itself', async (t) => {
  const cwd = t.testdir();
  await ran(cwd, 'pki init --name Root --days 20');
  await ran(cwd, 'pki init --dir sub --name Sub --parent pki --days 5');
  const before = readFileSync(join(cwd, 'pki/ca.key'), 'utf8');
  t.match(await ran(cwd, 'pki renew --ca --days 40'), /^CN=Root: valid until/);
  t.match(await json(cwd, 'pki renew --ca --dir sub --parent pki --days 30'), { name: 'CN=Sub', certFile: 'sub/ca.pem' });
  t.equal(readFileSync(join(cwd, 'pki/ca.key'), 'utf8'), before);
  t.match(await xpscerpto(['pki', 'renew'], { cwd }), { code: 2, stderr: /either a name or --ca/ });
  t.match(await xpscerpto(['pki', 'renew', '--ca', '--dir', 'sub'], { cwd }), { code: 1, stderr: /from its parent/ });
});

t.test('failures: exit code 1, what, where and what to do', async (t) => {
  const cwd = t.testdir();
  const failed = async (line: string, said: RegExp): Promise<void> => {
    const { code, stdout, stderr } = await xpscerpto(line.split(' '), { cwd });
    t.equal(code, 1, line);
    t.equal(stdout, '');
    t.match(stderr, said);
    t.equal(stderr.trimEnd().split('\n').length, 1);
  };
  await failed('pki issue --name orders', /no development CA in this folder \(pki\); make one with `xpscerpto pki init/);
  await ran(cwd, 'pki init --name Example');
  await failed('pki init --name Example', /exists already \(pki\/ca\.key\); .*--force/);
  await failed('pki issue --name orders --dns -x-', /cannot issue what was asked for \("-x-" is no DNS name\)/);
  await failed('pki issue --name orders --csr missing.csr', /a file cannot be read \(missing\.csr: it does not exist\); check the path/);
  await failed('pki revoke nobody', /has issued no such certificate \("nobody"\); list what it has issued/);
  await failed('pki ocsp nobody', /has issued no such certificate/);
  await failed('pki pin missing.pem', /a file cannot be read \(missing\.pem: it does not exist\)/);
  await failed('pki show pki/ca.key', /holds no certificate in PEM form/);
  writeFileSync(join(cwd, 'file'), '');
  await failed('pki init --dir file --name Example', /cannot be used \(file: a file is in the way\)/);
  t.notOk(existsSync(join(cwd, 'pki/issued/orders.pem')));
});

t.test('a folder that cannot be written to is named', { skip: process.getuid?.() === 0 ? 'root may write everywhere' : false }, async (t) => {
  const cwd = t.testdir();
  mkdirSync(join(cwd, 'locked'));
  chmodSync(join(cwd, 'locked'), 0o500);
  const { code, stderr } = await xpscerpto(['pki', 'init', '--dir', 'locked/pki', '--name', 'Example'], { cwd });
  t.equal(code, 1);
  t.match(stderr, /locked\/pki: permission denied/);
});

t.test('a file system that cannot be written to is named', { skip: existsSync('/proc/self') ? false : 'no /proc here' }, async (t) => {
  const { code, stderr } = await xpscerpto(['pki', 'init', '--dir', '/proc/pki', '--name', 'Example']);
  t.equal(code, 1);
  t.match(stderr, /^xpscerpto: the folder of the development CA cannot be used \(\/proc\/pki: /);
});

t.test('private stays private whatever the umask', async (t) => {
  const cwd = t.testdir();
  const script = `umask 000; "${COMMAND}" pki init --name Example && "${COMMAND}" pki issue --name orders`;
  const { spawnSync } = await import('node:child_process');
  t.equal(spawnSync('sh', ['-c', script], { cwd }).status, 0);
  const mode = (file: string) => (statSync(join(cwd, file)).mode & 0o777).toString(8);
  t.same([mode('pki'), mode('pki/ca.key'), mode('pki/issued/orders.key')], ['700', '600', '600']);
});

t.test('pki pin prints what trust.pins takes', { skip: withoutOpenssl }, async (t) => {
  const cwd = t.testdir();
  await made(cwd);
  const printed = await ran(cwd, 'pki pin pki/issued/orders.pem pki/ca.pem');
  const { parse } = await import('yaml');
  const pins = parse(printed) as string[];
  t.equal(pins.length, 2);
  const { createHash, X509Certificate } = await import('node:crypto');
  for (const [at, file] of ['pki/issued/orders.pem', 'pki/ca.pem'].entries()) {
    const spki = new X509Certificate(readFileSync(join(cwd, file))).publicKey.export({ type: 'spki', format: 'der' });
    t.equal(pins[at], `sha256/${createHash('sha256').update(spki).digest('base64')}`);
  }
});

t.test('pki show describes the certificates of a file', async (t) => {
  const cwd = t.testdir();
  await made(cwd, { uris: ['spiffe://example.org/orders'], keyType: 'ed25519' });
  t.match(await ran(cwd, 'pki show pki/issued/orders.pem'), /^CN=orders\n {2}issuer +CN=Example\n[^]*key +Ed25519\n {2}names +spiffe:\/\/example\.org\/orders\n {2}pin +sha256\//);
  t.match(await json(cwd, 'pki show pki/ca.pem'), [{ subject: 'CN=Example', issuer: 'CN=Example', key: 'P-256', names: [] }]);
});

t.test('pki ocsp writes an answer to a request that came by other means', { skip: withoutOpenssl }, async (t) => {
  const cwd = t.testdir();
  await made(cwd);
  openssl(['ocsp', '-issuer', 'pki/ca.pem', '-cert', 'pki/issued/orders.pem', '-no_nonce', '-reqout', 'request.der'], { cwd });
  await ran(cwd, 'pki ocsp --request request.der --out answer.der');
  const { output } = openssl(['ocsp', '-respin', 'answer.der', '-reqin', 'request.der', '-CAfile', 'pki/ca.pem', '-issuer', 'pki/ca.pem', '-cert', 'pki/issued/orders.pem'], { cwd });
  t.match(output, /orders\.pem: good[^]*Response verify OK/);
});

t.test('pki ocsp-responder answers until it is told to stop', { skip: withoutOpenssl }, async (t) => {
  const cwd = t.testdir();
  await made(cwd);
  const child = spawn(COMMAND, ['pki', 'ocsp-responder', '--port', '0', '--json'], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const { url } = JSON.parse(line) as { url: string };
  const ask = async () => (await opensslAsync(['ocsp', '-url', url, '-CAfile', 'pki/ca.pem', '-issuer', 'pki/ca.pem', '-cert', 'pki/issued/orders.pem'], { cwd })).output;
  t.match(await ask(), /orders\.pem: good/);
  await ran(cwd, 'pki revoke orders');
  t.match(await ask(), /orders\.pem: revoked/, 'a revocation by another process counts at once');
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number | null];
  t.equal(code, 0);
});
