import t from 'tap';
import { copyFileSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import { Authority } from '../../certs/ca/authority.ts';
import type { CredentialSource } from '../../certs/contract.ts';
import { openCredentialFiles } from '../../certs/credential-files.ts';
import type { CertsEvent } from '../../certs/events.ts';
import { openssl, withoutOpenssl } from '../support/openssl.ts';
import { refusal } from '../support/refusal.ts';
import { crypto } from '../support/test-crypto.ts';
import { SteppedClock, until } from '../support/trust.ts';

const dir = t.testdir();
const root = await Authority.create(join(dir, 'root'), { name: 'Root' });
const sub = await Authority.create(join(dir, 'sub'), { name: 'Sub', parent: root });
const one = await sub.issue({ name: 'one', dns: ['one.example.org'], days: 30 });
const two = await sub.issue({ name: 'two', dns: ['two.example.org'] });
const keyOf = ({ keyFile }: { readonly keyFile: string | undefined }): string => keyFile as string;

interface Opened {
  readonly source: CredentialSource;
  readonly events: CertsEvent[];
  readonly failures: Error[];
}

async function open(t: { teardown(end: () => void): void }, certFile: string, keyFile: string, clock = systemClock): Promise<Opened> {
  const events: CertsEvent[] = [];
  const failures: Error[] = [];
  const source = await openCredentialFiles({ certFile, keyFile }, { crypto, clock, log: (event) => events.push(event) });
  t.teardown(() => source[Symbol.dispose]());
  source.onFailure((error) => failures.push(error));
  return { source, events, failures };
}

t.test('chain and key are read together, the root is left out', async (t) => {
  const file = join(dir, 'with-root.pem');
  writeFileSync(file, one.chainPem + readFileSync(root.certFile, 'utf8'));
  const { source, events } = await open(t, file, keyOf(one));
  const { presented, key, name, notAfterMs } = source.current;
  t.equal(presented.chain.length, 2);
  t.equal(presented.staple.length, 0);
  t.match(name, /^CN=one \[/);
  t.equal(notAfterMs, one.notAfterMs);
  t.ok(key.schemes.length > 0);
  t.match(events, [{ level: 'info', what: 'credential_loaded' }]);
  const alone = join(dir, 'root-only.pem');
  copyFileSync(root.certFile, alone);
  t.equal((await open(t, alone, join(dir, 'root', 'ca.key'))).source.current.presented.chain.length, 1);
});

t.test('what cannot be used is named', async (t) => {
  const file = (name: string, content: string | Buffer): string => {
    writeFileSync(join(dir, name), content);
    return join(dir, name);
  };
  const cases: readonly (readonly [cert: string, key: string, why: RegExp])[] = [
    [join(dir, 'absent.pem'), keyOf(one), /absent\.pem: it does not exist/],
    [one.certFile, join(dir, 'absent.key'), /absent\.key: it does not exist/],
    [one.certFile, dir, /it is a folder/],
    [one.certFile, keyOf(two), /the key in .*two\.key does not belong to the first certificate in .*one\.pem, CN=one/],
    [file('empty.pem', ''), keyOf(one), /empty\.pem: there is no certificate/],
    [keyOf(one), keyOf(one), /one\.key: there is no certificate/],
    [file('noise.pem', '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n'), keyOf(one), /noise\.pem/],
    [one.certFile, one.certFile, /one\.pem: no PEM block of type PRIVATE KEY/],
    [file('many.pem', one.chainPem.repeat(4)), keyOf(one), /at most 6 can be sent/],
    [file('big.pem', Buffer.alloc(300_000, 'x')), keyOf(one), /longer than/],
  ];
  for (const [cert, key, why] of cases) await t.rejects(open(t, cert, key), refusal('credential_invalid', why), String(why));
});

t.test('an encrypted key is told from a broken one', { skip: withoutOpenssl }, async (t) => {
  const encrypted = join(dir, 'encrypted.key');
  openssl(['pkcs8', '-topk8', '-in', keyOf(one), '-out', encrypted, '-passout', 'pass:x']);
  await t.rejects(open(t, one.certFile, encrypted), refusal('credential_invalid', /encrypted\.key: .*passphrase/));
});

t.test('no byte of a key is in any message', async (t) => {
  const secret = readFileSync(keyOf(one), 'utf8').split('\n')[1] as string;
  const broken = join(dir, 'broken.key');
  writeFileSync(broken, `-----BEGIN PRIVATE KEY-----\n${secret.slice(4)}\n-----END PRIVATE KEY-----\n`);
  const thrown = await open(t, one.certFile, broken).catch((error: unknown) => error);
  t.match(thrown, refusal('credential_invalid', /broken\.key/));
  t.notOk((thrown as Error).message.includes(secret.slice(8, 24)));
});

t.test('the swap of a mounted secret is followed, a bad one keeps the last good', async (t) => {
  const mount = join(dir, 'mount');
  const version = (name: string, cert: string, key: string): void => {
    mkdirSync(join(mount, name), { recursive: true });
    copyFileSync(cert, join(mount, name, 'tls.crt'));
    copyFileSync(key, join(mount, name, 'tls.key'));
  };
  const swap = (name: string): void => {
    symlinkSync(name, join(mount, '..data_tmp'));
    renameSync(join(mount, '..data_tmp'), join(mount, '..data'));
  };
  version('..1', one.certFile, keyOf(one));
  swap('..1');
  for (const name of ['tls.crt', 'tls.key']) symlinkSync(`..data/${name}`, join(mount, name));
  const { source, failures } = await open(t, join(mount, 'tls.crt'), join(mount, 'tls.key'));
  const names: string[] = [];
  source.onChange(() => names.push(source.current.name));
  version('..2', two.certFile, keyOf(two));
  swap('..2');
  await until('the new credential is current', () => names.length === 1);
  t.match(names, [/^CN=two/]);
  t.same(failures, [], 'no failure in between');

  version('..3', one.certFile, keyOf(two));
  swap('..3');
  await until('the mismatch is told', () => failures.length === 1);
  t.match(failures, [refusal('credential_invalid', /does not belong/)]);
  t.match(source.current.name, /^CN=two/);
  await t.rejects(source.reload(), refusal('credential_invalid'));
  t.match(source.current.name, /^CN=two/);

  version('..4', one.certFile, keyOf(one));
  swap('..4');
  await until('the next good one is current', () => names.length === 2);
});

t.test('two files written one after the other are one change without failure', async (t) => {
  const [cert, key] = [join(dir, 'slow.pem'), join(dir, 'slow.key')];
  copyFileSync(one.certFile, cert);
  copyFileSync(keyOf(one), key);
  const { source, failures } = await open(t, cert, key);
  let changes = 0;
  source.onChange(() => { changes += 1; });
  copyFileSync(two.certFile, cert);
  await new Promise((resolve) => {
    setTimeout(resolve, 50);
  });
  copyFileSync(keyOf(two), key);
  await until('both were taken', () => changes === 1);
  t.match(source.current.name, /^CN=two/);
  t.same(failures, []);
  await source.reload();
  t.equal(changes, 1, 'the same again is no change');
});

t.test('what has expired, is not valid yet or ends soon is warned of', async (t) => {
  const at = (ms: number) => open(t, one.certFile, keyOf(one), new SteppedClock(ms));
  t.match((await at(one.notAfterMs + 1000)).events, [{ level: 'warn', what: 'credential_expires', detail: /has expired/ }]);
  t.match((await at(one.notAfterMs - 3_600_000)).events, [{ level: 'warn', what: 'credential_expires', detail: /expires soon/ }]);
  t.match((await at(Date.now() - 86_400_000)).events, [{ level: 'warn', what: 'credential_expires', detail: /not valid before/ }]);
});
