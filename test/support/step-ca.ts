// step-ca, a certificate authority that nobody here wrote: built once into .cache/, configured by hand, spoken to over HTTPS.
import { spawn, spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './applications.ts';
import type { Test } from './scenario.ts';

const PACKAGE = 'github.com/smallstep/certificates/cmd/step-ca@v0.30.2';
const BIN = resolve(import.meta.dirname, '../../.cache/go/bin');
const BINARY = join(BIN, 'step-ca');
const BUILD_MS = 400_000;
const READY_MS = 20_000;
const PROVISIONER = 'test';

/** Builds it where it is not there yet. False, or why there is none. */
export function withoutStepCa(): string | false {
  if (existsSync(BINARY)) return false;
  if (spawnSync('go', ['version']).status !== 0) return 'go is not installed, and step-ca is built with it';
  mkdirSync(BIN, { recursive: true });
  // Without cgo: otherwise it wants the headers of a smart card service.
  const { status, stderr } = spawnSync('go', ['install', PACKAGE], { env: { ...process.env, GOBIN: BIN, CGO_ENABLED: '0' }, timeout: BUILD_MS, encoding: 'utf8' });
  return status === 0 ? false : `step-ca is not available: ${stderr.trim().split('\n').at(-1) ?? ''}`;
}

export interface StepCaFiles {
  /** PEM of the root, of the CA that step-ca is, and its unencrypted key. */
  readonly root: string;
  readonly intermediate: string;
  readonly key: string;
}

interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
}

/** PEM texts. */
export interface StepCaAnswer {
  readonly crt: string;
  readonly ca: string;
}

export class StepCa {
  readonly #port: number;
  readonly #root: string;
  readonly #provisionerKey: KeyObject;
  readonly #keyId: string;

  private constructor(port: number, root: string, provisionerKey: KeyObject, keyId: string) {
    this.#port = port;
    this.#root = root;
    this.#provisionerKey = provisionerKey;
    this.#keyId = keyId;
  }

  static async start(t: Test, folder: string, files: StepCaFiles): Promise<StepCa> {
    const port = await freePort();
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const keyId = randomUUID();
    // Its CRL speaks only about certificates that name it (RFC 5280 §6.3.3 b 2 i); step-ca's own template does not.
    const crlUrl = `http://127.0.0.1:${port}/1.0/crl`;
    const template = `{
      "subject": {{ toJson .Subject }}, "sans": {{ toJson .SANs }},
      "keyUsage": ["digitalSignature"], "extKeyUsage": ["serverAuth", "clientAuth"],
      "crlDistributionPoints": ["${crlUrl}"]
    }`;
    const provisioner = { options: { x509: { template } }, type: 'JWK', name: PROVISIONER, key: { ...publicKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid: keyId } };
    const config = {
      root: files.root,
      crt: files.intermediate,
      key: files.key,
      address: `127.0.0.1:${port}`,
      dnsNames: ['127.0.0.1'],
      logger: { format: 'text' },
      db: { type: 'badgerv2', dataSource: join(folder, 'db') },
      crl: { enabled: true, generateOnRevoke: true, cacheDuration: '24h', idpURL: crlUrl },
      authority: { provisioners: [provisioner], claims: { allowRenewalAfterExpiry: false } },
    };
    writeFileSync(join(folder, 'ca.json'), JSON.stringify(config));
    const child = spawn(BINARY, [join(folder, 'ca.json')], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, STEPPATH: folder } });
    t.teardown(() => child.kill());
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));

    const ca = new StepCa(port, readFileSync(files.root, 'utf8'), privateKey, keyId);
    const deadline = performance.now() + READY_MS;
    for (;;) {
      if (child.exitCode !== null) throw new Error(`step-ca ended with ${child.exitCode}: ${output}`);
      const isHealthy = await ca.#send('GET', '/health').then(({ status }) => status === 200, () => false);
      if (isHealthy) return ca;
      if (performance.now() > deadline) throw new Error(`step-ca is not ready: ${output}`);
      await sleep(50);
    }
  }

  /** The provisioner's flow: a token for these names, then the request. */
  async sign(csr: string, names: readonly string[]): Promise<StepCaAnswer> {
    return this.#json('POST', '/1.0/sign', { csr, ott: this.#token('/1.0/sign', names[0] as string, names) });
  }

  /** The same certificate again, asked for by its holder. */
  async renew(holder: ClientCertificate): Promise<StepCaAnswer> {
    return this.#json('POST', '/1.0/renew', undefined, holder);
  }

  /** By the holder of the certificate; `serial` in decimal. */
  async revoke(serial: string, holder: ClientCertificate): Promise<void> {
    await this.#json('POST', '/1.0/revoke', { serial, passive: true, reasonCode: 1, reason: 'lost' }, holder);
  }

  /** DER. */
  async crl(): Promise<Buffer> {
    const { status, body } = await this.#send('GET', '/1.0/crl');
    if (status !== 200) throw new Error(`${status} ${body.toString()}`);
    return body;
  }

  async #json(method: string, path: string, content?: object, holder?: ClientCertificate): Promise<StepCaAnswer> {
    const { status, body } = await this.#send(method, path, content, holder);
    if (status >= 300) throw new Error(`${path}: ${status} ${body.toString()}`);
    return JSON.parse(body.toString()) as StepCaAnswer;
  }

  async #send(method: string, path: string, content?: object, holder?: ClientCertificate): Promise<{ status: number; body: Buffer }> {
    return new Promise((resolveAnswer, reject) => {
      const sent = request({ host: '127.0.0.1', port: this.#port, method, path, ca: this.#root, agent: false, headers: { 'content-type': 'application/json' }, ...holder }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => resolveAnswer({ status: response.statusCode ?? 0, body: Buffer.concat(parts) }));
      });
      sent.on('error', reject);
      sent.end(content === undefined ? undefined : JSON.stringify(content));
    });
  }

  /** A JSON web token, RFC 7519, ES256. */
  #token(path: string, subject: string, sans: readonly string[]): string {
    const now = Math.floor(Date.now() / 1000);
    const rootDer = Buffer.from(this.#root.replaceAll(/-----.*-----|\s/g, ''), 'base64');
    const claims = {
      aud: `https://127.0.0.1:${this.#port}${path}`,
      iss: PROVISIONER,
      sub: subject,
      sans,
      sha: createHash('sha256').update(rootDer).digest('hex'),
      jti: randomUUID(),
      iat: now,
      nbf: now,
      exp: now + 60,
    };
    const encoded = [{ alg: 'ES256', kid: this.#keyId, typ: 'JWT' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    const signature = sign('sha256', Buffer.from(encoded), { key: this.#provisionerKey, dsaEncoding: 'ieee-p1363' });
    return `${encoded}.${signature.toString('base64url')}`;
  }
}
