import t from 'tap';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Authority } from '../../certs/ca/authority.ts';
import { xpscerpto } from '../support/command.ts';
import { openssl, withoutOpenssl } from '../support/openssl.ts';
import { StepCa, type StepCaAnswer, withoutStepCa } from '../support/step-ca.ts';

const SKIP = { skip: withoutOpenssl === false ? withoutStepCa() : withoutOpenssl };

t.test('certificates of step-ca, their renewal and their revocation', SKIP, async (t) => {
  const cwd = mkdtempSync(join(tmpdir(), 'xps-step-'));
  t.teardown(() => rmSync(cwd, { recursive: true, force: true }));
  const root = await Authority.create(join(cwd, 'root'), { name: 'Root' });
  const sub = await Authority.create(join(cwd, 'step'), { name: 'Step CA', parent: root });
  const ca = await StepCa.start(t, cwd, { root: root.certFile, intermediate: sub.certFile, key: join(cwd, 'step/ca.key') });

  const names = ['orders.test', 'spiffe://example.org/orders', '10.0.0.7'];
  openssl(['req', '-new', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', 'orders.key', '-out', 'orders.csr', '-subj', '/CN=orders.test', '-addext', 'subjectAltName=DNS:orders.test,URI:spiffe://example.org/orders,IP:10.0.0.7'], { cwd });
  const key = readFileSync(join(cwd, 'orders.key'), 'utf8');
  const keep = (file: string, { crt, ca: issuer }: StepCaAnswer): void => writeFileSync(join(cwd, file), `${crt}${issuer}`);
  const verify = async (line: string) => xpscerpto(['verify', '--trust', 'root/ca.pem', '--crl', 'root/crl.pem', ...line.split(' ')], { cwd });

  const first = await ca.sign(readFileSync(join(cwd, 'orders.csr'), 'utf8'), names);
  keep('first.pem', first);
  writeFileSync(join(cwd, 'step.crl'), await ca.crl());
  for (const purpose of ['client', 'server']) {
    const { code, stdout, stderr } = await verify(`--crl step.crl --purpose ${purpose} --name dns:orders.test --name uri:spiffe://example.org/orders --name ip:10.0.0.7 first.pem`);
    t.equal(code, 0, `${stdout}${stderr}`);
    t.match(stdout, /CN=orders\.test ← CN=Step CA ← CN=Root/);
  }

  const second = await ca.renew({ cert: `${first.crt}${first.ca}`, key });
  keep('second.pem', second);
  t.not(second.crt, first.crt);
  t.match(await verify('--crl step.crl --name dns:orders.test second.pem'), { code: 0 });

  await ca.revoke(BigInt(`0x${new X509Certificate(second.crt).serialNumber}`).toString(), { cert: `${second.crt}${second.ca}`, key });
  writeFileSync(join(cwd, 'step.crl'), await ca.crl());
  t.match(await verify('--crl step.crl second.pem'), { code: 1, stdout: /^revoked: CN=orders\.test/ });
  t.match(await verify('--crl step.crl first.pem'), { code: 0 }, 'and only that one');
});
