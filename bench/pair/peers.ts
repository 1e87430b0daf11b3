// The pairs that are compared: client proxy and server proxy in front of one application. All but the plaintext pair
// authenticate both sides with P-256 certificates of one CA and encrypt with AES-256-GCM.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Authority, type Issued } from '../../certs/ca/authority.ts';
import { freePorts, isInPath, start, systemEnvironment, untilListening, type Running } from './processes.ts';

const ROOT = resolve(import.meta.dirname, '../..');

export interface Peer {
  readonly name: string;
  /** What has to be installed. */
  readonly program: string;
  start(setting: Setting): Promise<Running>;
}

export interface Setting {
  readonly dir: string;
  /** Of the application behind the server proxy. */
  readonly target: number;
  readonly authority: Authority;
  readonly client: Issued;
  readonly server: Issued;
}

export async function makeSetting(dir: string, target: number): Promise<Setting> {
  const authority = await Authority.create(join(dir, 'pki'), { name: 'Bench CA', keyType: 'p256' });
  const issue = (name: string): Promise<Issued> =>
    authority.issue({ name, keyType: 'p256', dns: ['localhost'], uris: [`spiffe://bench.example/${name}`] });
  const [client, server] = [await issue('client'), await issue('server')];
  await authority.crl();
  for (const { certFile, keyFile = '' } of [client, server]) {
    writeFileSync(`${certFile}.all`, readFileSync(certFile, 'utf8') + readFileSync(keyFile, 'utf8'), { mode: 0o600 });
  }
  return { dir, target, authority, client, server };
}

export const PEERS: readonly Peer[] = [
  { name: 'XPScerpto', program: 'sh', start: (setting) => ours(setting, 'native') },
  { name: 'HAProxy plaintext', program: 'haproxy', start: (setting) => haproxy(setting, false) },
  { name: 'HAProxy TLS', program: 'haproxy', start: (setting) => haproxy(setting, true) },
  { name: 'nginx stream TLS', program: 'nginx', start: nginx },
  { name: 'stunnel', program: 'stunnel', start: stunnel },
  { name: 'ghostunnel', program: 'ghostunnel', start: ghostunnel },
  { name: 'XPScerpto portable', program: 'sh', start: (setting) => ours(setting, 'portable') },
];

export function isAvailable(peer: Peer): boolean {
  return isInPath(peer.program);
}

async function ours({ dir, target, authority, client, server }: Setting, plane: string): Promise<Running> {
  const [near, far] = (await freePorts(2)) as [number, number];
  const config = (name: string, identity: Issued, peer: string, tunnel: object): string => {
    const file = join(dir, `${name}-${plane}.yaml`);
    writeFileSync(file, JSON.stringify({
      identity: { cert: identity.certFile, key: identity.keyFile },
      trust: { bundles: [{ file: authority.certFile }], revocation: { crl: [authority.crlFile] } },
      tunnels: [{ name: 'bench', ...tunnel, peer: { allow: [`spiffe://bench.example/${peer}`] } }],
      log: { level: 'warn' },
    }));
    return file;
  };
  const limits = { connections: 10_000, connections_per_source: 10_000, handshakes_per_source: 1000 };
  const files = [
    config('server', server, 'client', { role: 'server', listen: `tcp://127.0.0.1:${far}`, connect: `tcp://127.0.0.1:${target}`, limits }),
    config('client', client, 'server', { role: 'client', listen: `tcp://127.0.0.1:${near}`, connect: `tcp://127.0.0.1:${far}` }),
  ];
  const main = join(ROOT, 'sidecar', 'cli', 'main.ts');
  const environment = { ...process.env, XPS_DATA_PLANE: plane, XPS_ENGINE: 'auto' };
  const children = files.map((file) => start(process.execPath, [main, 'run', '-c', file], environment));
  await untilListening(far, children);
  await untilListening(near, children);
  return { children, port: near };
}

async function haproxy({ dir, target, authority, client, server }: Setting, isEncrypted: boolean): Promise<Running> {
  const [near, far] = (await freePorts(2)) as [number, number];
  const options = 'ciphersuites TLS_AES_256_GCM_SHA384 ssl-min-ver TLSv1.3';
  const toServer = isEncrypted
    ? ` ssl verify required ca-file ${authority.certFile} crt ${client.certFile}.all verifyhost localhost ${options}` : '';
  const onServer = isEncrypted
    ? ` ssl ca-file ${authority.certFile} verify required crt ${server.certFile}.all ${options}` : '';
  const config = (name: string, bind: string, to: string): string => {
    const file = join(dir, `haproxy-${name}-${isEncrypted ? 'tls' : 'plain'}.cfg`);
    writeFileSync(file, [
      'global', '  maxconn 8000',
      'defaults', '  mode tcp', '  timeout connect 10s', '  timeout client 10m', '  timeout server 10m',
      'listen bench', `  bind ${bind}`, `  server one ${to}`, '',
    ].join('\n'));
    return file;
  };
  const files = [
    config('server', `127.0.0.1:${far}${onServer}`, `127.0.0.1:${target}`),
    config('client', `127.0.0.1:${near}`, `127.0.0.1:${far}${toServer}`),
  ];
  const children = files.map((file) => start('haproxy', ['-db', '-f', file], systemEnvironment()));
  await untilListening(near, children);
  return { children, port: near };
}

async function nginx({ dir, target, authority, client, server }: Setting): Promise<Running> {
  const [near, far] = (await freePorts(2)) as [number, number];
  const config = (name: string, lines: readonly string[]): string => {
    const prefix = join(dir, `nginx-${name}`);
    mkdirSync(prefix, { recursive: true });
    const file = join(prefix, 'nginx.conf');
    writeFileSync(file, [
      'daemon off;', 'worker_processes auto;', 'load_module /usr/lib/nginx/modules/ngx_stream_module.so;',
      `pid ${prefix}/pid;`, 'error_log stderr crit;', 'worker_rlimit_nofile 20000;', 'events { worker_connections 8000; }',
      'stream { server {', ...lines, '} }', '',
    ].join('\n'));
    return file;
  };
  const suite = (prefix: string): readonly string[] => [
    `${prefix}ssl_protocols TLSv1.3;`, `${prefix}ssl_conf_command Ciphersuites TLS_AES_256_GCM_SHA384;`,
  ];
  const files = [
    config('server', [
      `listen 127.0.0.1:${far} ssl;`, `ssl_certificate ${server.certFile};`, `ssl_certificate_key ${server.keyFile};`,
      `ssl_client_certificate ${authority.certFile};`, 'ssl_verify_client on;', ...suite(''), `proxy_pass 127.0.0.1:${target};`,
    ]),
    config('client', [
      `listen 127.0.0.1:${near};`, 'proxy_ssl on;', `proxy_ssl_certificate ${client.certFile};`,
      `proxy_ssl_certificate_key ${client.keyFile};`, `proxy_ssl_trusted_certificate ${authority.certFile};`,
      'proxy_ssl_verify on;', 'proxy_ssl_name localhost;', ...suite('proxy_'), `proxy_pass 127.0.0.1:${far};`,
    ]),
  ];
  const children = files.map((file) => start('nginx', ['-c', file], systemEnvironment()));
  await untilListening(near, children);
  return { children, port: near };
}

async function stunnel({ dir, target, authority, client, server }: Setting): Promise<Running> {
  const [near, far] = (await freePorts(2)) as [number, number];
  const config = (name: string, isClient: boolean, identity: Issued, accept: number, to: number): string => {
    const file = join(dir, `stunnel-${name}.conf`);
    writeFileSync(file, [
      'foreground = yes', 'pid =', 'debug = 3', 'socket = l:TCP_NODELAY=1', 'socket = r:TCP_NODELAY=1', '[bench]',
      `client = ${isClient ? 'yes' : 'no'}`, `cert = ${identity.certFile}`, `key = ${identity.keyFile}`,
      `CAfile = ${authority.certFile}`, 'verifyChain = yes', 'requireCert = yes', 'sslVersionMin = TLSv1.3',
      'ciphersuites = TLS_AES_256_GCM_SHA384', `accept = 127.0.0.1:${accept}`, `connect = 127.0.0.1:${to}`, '',
    ].join('\n'));
    return file;
  };
  const files = [config('server', false, server, far, target), config('client', true, client, near, far)];
  const children = files.map((file) => start('stunnel', [file], systemEnvironment()));
  await untilListening(near, children);
  return { children, port: near };
}

async function ghostunnel({ target, authority, client, server }: Setting): Promise<Running> {
  const [near, far] = (await freePorts(2)) as [number, number];
  const children = [
    start('ghostunnel', [
      'server', `--listen=127.0.0.1:${far}`, `--target=127.0.0.1:${target}`, `--cert=${server.certFile}`, `--key=${server.keyFile}`,
      `--cacert=${authority.certFile}`, '--allow-uri=spiffe://bench.example/client', '--quiet=all',
    ]),
    start('ghostunnel', [
      'client', `--listen=127.0.0.1:${near}`, `--target=localhost:${far}`, `--cert=${client.certFile}`, `--key=${client.keyFile}`,
      `--cacert=${authority.certFile}`, '--quiet=all',
    ]),
  ];
  await untilListening(near, children);
  return { children, port: near };
}
