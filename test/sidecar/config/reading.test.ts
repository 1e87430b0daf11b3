import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadConfig, MAX_CONFIG_BYTES, parseConfig, requireConfig } from '../../../sidecar/config/config.ts';
import { readEnvironment } from '../../../sidecar/config/environment.ts';
import { readMeshKey } from '../../../sidecar/config/mesh-key.ts';
import { KEYS } from '../../../sidecar/config/mistakes.ts';
import { formatProblem } from '../../../sidecar/config/problem.ts';
import { temporaryFolder } from '../../support/scenario.ts';
import { GOOD } from './good.ts';

t.test('defaults are those that were promised', (t) => {
  const { config, problems } = parseConfig(GOOD, '/etc/xps/x.yaml');
  t.strictSame(problems, []);
  t.match(config, {
    identity: { certFile: '/etc/xps/tls.crt', keyFile: '/etc/xps/tls.key', renew: undefined },
    trust: { pins: [], revocation: { mode: 'hard', ocsp: { staple: true, query: false } } },
    tunnels: [{ role: 'client', connect: [{ url: 'tcp://orders.prod.svc:8443' }], timeouts: { helloMs: 3000, handshakeMs: 10_000, closeMs: 5000 } }],
    crypto: {
      aead: { default: 'AES_GCM', nonce: 'auto' },
      keyring: { rotationDays: 365, dualWindowDays: 30, destroyAfterDays: 180 },
      policy: { forbid: ['sha1', 'des'] },
      hotpatch: { requireSignature: true, runSelftests: true, rollbackOnError: true },
      tls: { rekeyMessages: 2_000_000, rekeyMinutes: 60 },
      kex: { hybrid: 'prefer' },
    },
  });
  t.ok(Object.isFrozen(config?.tunnels[0]), 'nothing can be changed afterwards');
  t.end();
});

t.test('numbers with underscores, fractions of minutes, any case of names', (t) => {
  const { config } = parseConfig(`${GOOD}crypto: { tls: { rekey_messages: 1_000_000, rekey_minutes: 0.5 }, policy: { forbid: [SHA1, des, Rsa] } }\n`, 'x.yaml');
  t.match(config?.crypto, { tls: { rekeyMessages: 1_000_000, rekeyMinutes: 0.5 }, policy: { forbid: ['sha1', 'des', 'rsa'] } });
  t.end();
});

t.test('a server with everything', (t) => {
  const text = `
identity: { cert: tls.crt, key: tls.key }
trust:
  bundles: [{ file: ca.pem, sha256: ["${'ab'.repeat(32)}", "${'CD'.repeat(32)}"] }]
  revocation: { mode: soft, crl: [crls/], ocsp: { staple: true, require_staple: true } }
  clock_skew: 5s
tunnels:
  - name: in
    role: server
    listen: wss://[::]:8443/channel
    tls: { cert: edge.crt, key: edge.key }
    connect: [unix:app.sock, ws://127.0.0.1/app]
    client_auth: optional
    service: billing
    peer: { allow: [anonymous, "dns:*.corp.example"], deny: ["dns:bad.corp.example"], allow_own_certificate: true }
    limits: { connections: 100, handshakes_per_source: 5 }
    timeouts: { idle: off, drain: 1m }
    keepalive: off
admin: { listen: "[::1]:9901" }
mesh_key: { file: mesh.key }
log: { level: debug, format: pretty }
`;
  const { config, problems } = parseConfig(text, '/etc/xps/x.yaml');
  t.strictSame(problems.map(formatProblem), []);
  t.match(config, {
    trust: { bundles: [{ sha256: ['ab'.repeat(32), 'cd'.repeat(32)] }], clockSkewMs: 5000 },
    tunnels: [{
      role: 'server', clientAuth: 'optional', service: 'billing',
      listen: { scheme: 'wss', host: '::', port: 8443, path: '/channel' },
      connect: [{ scheme: 'unix', path: '/etc/xps/app.sock' }, { scheme: 'ws', port: 80, path: '/app' }],
      peer: { allowsAnonymous: true, allowsOwnCertificate: true },
      limits: { connections: 100, connectionsPerSource: 100, handshakesPerSource: 5 },
      timeouts: { drainMs: 60_000 },
    }],
    admin: { host: '::1', port: 9901 },
    meshKeyFile: '/etc/xps/mesh.key',
    log: { level: 'debug', format: 'pretty' },
  });
  t.equal(config?.tunnels[0]?.timeouts.idleMs, undefined, 'off');
  t.equal(config?.tunnels[0]?.keepAliveMs, undefined, 'off');
  t.end();
});

t.test('warnings do not stop anybody', (t) => {
  const { config, problems } = parseConfig(GOOD.replace('{ crl: [crl.pem] }', '{ mode: "off" }'), 'x.yaml');
  t.ok(config);
  t.match(problems.map(formatProblem), [/^x\.yaml:4:23: warning: trust\.revocation\.mode is off/]);
  t.end();
});

t.test('files', (t) => {
  const dir = temporaryFolder(t);
  const file = join(dir, 'x.yaml');
  const said = (path = file): string[] => loadConfig(path).problems.map(formatProblem);

  t.match(said(join(dir, 'none.yaml')), [/none\.yaml: the file does not exist; name the configuration with -c FILE/]);
  t.match(said(dir), [/this is a folder; expected a YAML file/]);
  writeFileSync(file, Buffer.from([0xff, 0xfe, 0x00]));
  t.match(said(), [/not UTF-8/]);
  writeFileSync(file, '#'.repeat(MAX_CONFIG_BYTES + 1));
  t.match(said(), [/larger than 1 MiB/]);

  writeFileSync(file, GOOD);
  t.match(said(), [/1:\d+: .*tls\.crt does not exist; expected a readable file/, /1:\d+: .*tls\.key does not exist/, /3:\d+: .*ca\.pem does not exist/, /4:\d+: .*crl\.pem does not exist; expected a readable file or folder/]);
  t.throws(() => requireConfig(file), { reason: 'config_invalid', message: /tls\.crt does not exist/ });

  for (const name of ['tls.crt', 'tls.key', 'crl.pem']) writeFileSync(join(dir, name), 'x');
  mkdirSync(join(dir, 'ca.pem'));
  chmodSync(join(dir, 'tls.key'), 0o644);
  t.match(said(), [/warning: .*tls\.key holds a secret and its mode 0644 opens it to everybody/, /ca\.pem is a folder/]);
  t.end();
});

t.test('the mesh key', (t) => {
  const file = join(temporaryFolder(t), 'mesh.key');
  const read = (content: string): number => {
    writeFileSync(file, content);
    using secret = readMeshKey(file);
    return secret.length;
  };
  t.equal(read(`${'0f'.repeat(32)}\n`), 32, 'hexadecimal');
  t.equal(read(Buffer.alloc(40, 7).toString('base64')), 40, 'base64');
  t.throws(() => read('0f'.repeat(31)), { reason: 'key_invalid', message: /31 bytes, at least 32/ });
  t.throws(() => read('not a key!'), { reason: 'key_invalid', message: /./ });
  t.throws(() => readMeshKey(`${file}.none`), { reason: 'file_unreadable', message: /./ });
  writeFileSync(file, 'SECRETSECRET!');
  try {
    readMeshKey(file);
    t.fail('a file that holds no key was accepted');
  } catch (thrown) {
    t.notMatch((thrown as Error).message, 'SECRET', 'nothing of the file is said');
  }
  t.end();
});

t.test('the environment', (t) => {
  t.strictSame(readEnvironment({}), { engine: 'auto', dataPlane: 'auto', simdIsaMask: undefined });
  t.strictSame(readEnvironment({ XPS_ENGINE: 'portable', XPS_DATA_PLANE: 'native', XPS_SIMD_ISA_MASK: 'avx2,aes' }), { engine: 'portable', dataPlane: 'native', simdIsaMask: 'avx2,aes' });
  t.throws(() => readEnvironment({ XPS_ENGINE: 'potable' }), { reason: 'environment_invalid', message: /XPS_ENGINE is "potable"; expected auto, native, openssl, portable; did you mean portable\?/ });
  t.throws(() => readEnvironment({ XPS_DATA_PLANE: 'fast' }), { reason: 'environment_invalid', message: /./ });
  t.throws(() => readEnvironment({ XPS_SIMD_ISA_MASK: 'a\nb' }), { reason: 'environment_invalid', message: /./ });
  t.end();
});

t.test('the table of keys names what the schema takes', (t) => {
  for (const [section, keys] of KEYS) {
    for (const key of keys) t.match(key, /^[a-z0-9_]+$/, `${section}.${key}`);
  }
  // A key that the table lacks would be suggested nowhere; one too many would be suggested and refused.
  for (const section of ['identity', 'trust', 'admin', 'crypto', 'log', 'mesh_key']) {
    for (const key of KEYS.get(section) ?? []) {
      const { problems } = parseConfig(`${section}: { ${key}: null }\n`, 'x.yaml');
      t.notOk(problems.some(({ what }) => what.startsWith('unknown key')), `${section}.${key} is known`);
    }
  }
  t.end();
});
