import { XpsError, toXpsError } from '../base/errors.ts';
import { equalBytes } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import type { Crypto } from '../engines/contract.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import type { Credential, CredentialSource } from './contract.ts';
import { FileWatch } from './file-watch.ts';
import { readPem } from './pem.ts';
import { describe } from './proven-chain.ts';
import { fileError, readBounded } from './trust-bundles.ts';

const MAX_FILE_BYTES = 256 * 1024;
/** docs/PROTOCOL.md §13. */
const MAX_CHAIN = 6;
const MAX_CHAIN_BYTES = 32_768;

export interface CredentialFiles {
  /** PEM chain, leaf first; a root at its end is not sent. */
  readonly certFile: string;
  readonly keyFile: string;
}

export interface CredentialDependencies {
  readonly crypto: Crypto;
  readonly clock: Clock;
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
  readonly #watch: FileWatch;
  readonly #changeListeners = new Set<() => void>();
  readonly #failureListeners = new Set<(error: Error) => void>();
  #current: Credential | undefined;

  constructor(files: CredentialFiles, { crypto }: CredentialDependencies) {
    this.#files = files;
    this.#crypto = crypto;
    this.#watch = new FileWatch([files.certFile, files.keyFile], () => {
      this.reload().catch((thrown: unknown) => {
        for (const listener of this.#failureListeners) listener(toXpsError(thrown));
      });
    });
  }

  async start(): Promise<void> {
    await this.#watch.start();
    await this.reload();
  }

  get current(): Credential {
    if (this.#current === undefined) throw new XpsError('internal_error', { detail: 'a credential was used before it was read' });
    return this.#current;
  }

  onChange(listener: () => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  onFailure(listener: (error: Error) => void): () => void {
    this.#failureListeners.add(listener);
    return () => this.#failureListeners.delete(listener);
  }

  async reload(): Promise<void> {
    this.#current = await readCredential(this.#files, this.#crypto);
    for (const listener of this.#changeListeners) listener();
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
    this.#changeListeners.clear();
    this.#failureListeners.clear();
  }
}

async function readCredential({ certFile, keyFile }: CredentialFiles, crypto: Crypto): Promise<Credential> {
  const certText = Buffer.from(await readBounded(certFile, MAX_FILE_BYTES, 'credential_invalid')).toString('latin1');
  const keyBytes = await readBounded(keyFile, MAX_FILE_BYTES, 'credential_invalid');
  const chain = chainOf(certText, certFile);
  const key = loadKey(Buffer.from(keyBytes).toString('latin1'), keyFile, crypto);
  keyBytes.fill(0);
  const [leaf] = chain as [Certificate];
  if (!equalBytes(leaf.spki, key.spki)) {
    throw new XpsError('credential_invalid', { detail: `the key in ${keyFile} does not belong to the first certificate in ${certFile}, ${describe(leaf)}` });
  }
  return {
    presented: { chain: chain.map(({ der }) => der), staple: new Uint8Array(0) },
    key,
    name: describe(leaf),
    notAfterMs: leaf.notAfterMs,
  };
}

function chainOf(text: string, file: string): readonly Certificate[] {
  try {
    const certificates = readPem(text, ['CERTIFICATE']).map(({ der }) => parseCertificate(der));
    if (certificates.length === 0) throw new XpsError('credential_invalid', { detail: 'it holds no PEM certificate' });
    if (certificates.length > MAX_CHAIN) throw new XpsError('credential_invalid', { detail: `it holds ${certificates.length} certificates, at most ${MAX_CHAIN} can be sent` });
    const length = certificates.reduce((sum, { der }) => sum + der.length, 0);
    if (length > MAX_CHAIN_BYTES) throw new XpsError('credential_invalid', { detail: `its certificates are ${length} bytes long, at most ${MAX_CHAIN_BYTES} can be sent` });
    return certificates;
  } catch (thrown) {
    throw fileError('credential_invalid', file, thrown);
  }
}

function loadKey(pem: string, file: string, crypto: Crypto): Credential['key'] {
  try {
    return crypto.signature.loadSigningKey(pem);
  } catch (thrown) {
    throw fileError('credential_invalid', file, thrown);
  }
}
