import { setTimeout as delay } from 'node:timers/promises';
import { equalBytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { Crypto, SigningKey } from '../engines/contract.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import type { Credential, CredentialSource, StapleFetcher } from './contract.ts';
import { CredentialKeeper } from './credential-keeper.ts';
import type { CertsLog } from './events.ts';
import { FileWatch } from './file-watch.ts';
import { readPem } from './pem.ts';
import { describe } from './proven-chain.ts';
import { fileError, readBounded } from './trust-bundles.ts';

const MAX_FILE_BYTES = 256 * 1024;
/** docs/PROTOCOL.md §13. */
const MAX_CHAIN = 6;
const MAX_CHAIN_BYTES = 32_768;
const READ_ATTEMPTS = 3;
const READ_PAUSE_MS = 50;

export interface CredentialFiles {
  /** PEM chain, leaf first; a root at its end is not sent. */
  readonly certFile: string;
  readonly keyFile: string;
}

export interface CredentialDependencies {
  readonly crypto: Crypto;
  readonly clock: Clock;
  readonly log?: CertsLog;
}

/** Reads chain and key and keeps them current. Rejects with `credential_invalid` and the name of the file. */
export async function openCredentialFiles(files: CredentialFiles, dependencies: CredentialDependencies): Promise<CredentialSource> {
  const source = new FileCredentialSource(files, dependencies);
  try {
    await source.start();
    return source;
  } catch (thrown) {
    source[Symbol.dispose]();
    throw thrown;
  }
}

class FileCredentialSource implements CredentialSource {
  readonly #files: CredentialFiles;
  readonly #crypto: Crypto;
  readonly #keeper: CredentialKeeper;
  readonly #watch: FileWatch;

  constructor(files: CredentialFiles, { crypto, clock, log }: CredentialDependencies) {
    this.#files = files;
    this.#crypto = crypto;
    this.#keeper = new CredentialKeeper(clock, log);
    this.#watch = new FileWatch([files.certFile, files.keyFile], () => {
      this.reload().catch((thrown: unknown) => this.#keeper.fail(thrown));
    });
  }

  async start(): Promise<void> {
    await this.#watch.start();
    await this.reload();
  }

  get current(): Credential {
    return this.#keeper.current;
  }

  onChange(listener: () => void): () => void {
    return this.#keeper.onChange(listener);
  }

  onFailure(listener: (error: Error) => void): () => void {
    return this.#keeper.onFailure(listener);
  }

  async reload(): Promise<void> {
    await this.#keeper.replace(await readTogether(this.#files, this.#crypto));
  }

  staple(fetcher: StapleFetcher): Promise<void> {
    return this.#keeper.staple(fetcher);
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
    this.#keeper[Symbol.dispose]();
  }
}

/** Chain and key may be replaced one after the other while they are read: what does not match is read again before it is an error. */
async function readTogether(files: CredentialFiles, crypto: Crypto): Promise<Credential> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await readCredential(files, crypto);
    } catch (thrown) {
      if (attempt === READ_ATTEMPTS) throw thrown;
      await delay(READ_PAUSE_MS);
    }
  }
}

async function readCredential({ certFile, keyFile }: CredentialFiles, crypto: Crypto): Promise<Credential> {
  const certText = Buffer.from(await readBounded(certFile, MAX_FILE_BYTES, 'credential_invalid')).toString('latin1');
  const keyBytes = await readBounded(keyFile, MAX_FILE_BYTES, 'credential_invalid');
  try {
    const chain = inFile(certFile, () => sendableChain(readPem(certText, ['CERTIFICATE']).map(({ der }) => parseCertificate(der))));
    const key = inFile(keyFile, () => crypto.signature.loadSigningKey(Buffer.from(keyBytes).toString('latin1')));
    if (!equalBytes(chain[0].spki, key.spki)) {
      throw new XpsError('credential_invalid', { detail: `the key in ${keyFile} does not belong to the first certificate in ${certFile}, ${describe(chain[0])}` });
    }
    return credentialOf(chain, key);
  } finally {
    keyBytes.fill(0);
  }
}

/** What both sources of credentials make in the end. The key was checked to match. */
export function credentialOf(chain: readonly [Certificate, ...Certificate[]], key: SigningKey): Credential {
  const [leaf] = chain;
  const { notBeforeMs, notAfterMs } = leaf;
  return { presented: { chain: chain.map(({ der }) => der), staple: new Uint8Array(0) }, key, name: describe(leaf), notBeforeMs, notAfterMs };
}

/** Within the limits of the protocol, and without the root: a peer has it or would not trust it. */
export function sendableChain(certificates: readonly Certificate[]): readonly [Certificate, ...Certificate[]] {
  const last = certificates.at(-1);
  const chain = certificates.length > 1 && last?.isSelfIssued === true ? certificates.slice(0, -1) : certificates;
  const [leaf, ...others] = chain;
  if (leaf === undefined) throw new XpsError('credential_invalid', { detail: 'there is no certificate in it' });
  if (chain.length > MAX_CHAIN) throw new XpsError('credential_invalid', { detail: `${chain.length} certificates, at most ${MAX_CHAIN} can be sent` });
  const length = chain.reduce((sum, { der }) => sum + der.length, 0);
  if (length > MAX_CHAIN_BYTES) throw new XpsError('credential_invalid', { detail: `${length} bytes of certificates, at most ${MAX_CHAIN_BYTES} can be sent` });
  return [leaf, ...others];
}

function inFile<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    throw fileError('credential_invalid', file, thrown);
  }
}
