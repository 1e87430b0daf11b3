import { Worker } from 'node:worker_threads';
import type { Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import { type Crl, parseCrl } from './crl.ts';
import type { CrlIndex } from './crl-index.ts';
import { readPem } from './pem.ts';

/** Up to here reading takes some milliseconds, less than a thread needs to start. */
const LARGE_BYTES = 1024 * 1024;
const LONGEST_MS = 60_000;
const MAX_HEAP_MB = 1024;

/** A CRL and the index of its entries, which a thread made. */
export interface IndexedCrl {
  readonly der: Bytes;
  readonly index: CrlIndex;
}

/** What the thread sends back, or what is wrong with what it was given. */
export type CrlWorkerAnswer = { readonly crls: readonly IndexedCrl[] } | { readonly detail: string };

/**
 * The CRLs in a file or download, PEM or DER. The event loop is not held up: a large one is read by a thread of its own.
 * Throws `crl_invalid` or `certificate_malformed`.
 */
export async function readCrls(bytes: Bytes): Promise<readonly Crl[]> {
  if (bytes.length < LARGE_BYTES) return crlBlocks(bytes).map((der) => parseCrl(der));
  return (await readInThread(bytes)).map(({ der, index }) => parseCrl(der, index));
}

/** The CRLs in PEM text, or the one in DER, which begins with a SEQUENCE. */
export function crlBlocks(bytes: Bytes): readonly Bytes[] {
  if (bytes[0] === 0x30) return [bytes];
  const blocks = readPem(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'), ['X509 CRL']);
  if (blocks.length === 0) throw new XpsError('crl_invalid', { detail: 'it holds no CRL' });
  return blocks.map(({ der }) => der);
}

function readInThread(bytes: Bytes): Promise<readonly IndexedCrl[]> {
  const file = import.meta.url.endsWith('.ts') ? './crl-worker.ts' : './crl-worker.js';
  const worker = new Worker(new URL(file, import.meta.url), { workerData: bytes, resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB } });
  return new Promise<readonly IndexedCrl[]>((resolve, reject) => {
    const failed = (detail: string): void => reject(new XpsError('crl_invalid', { detail }));
    const timer = setTimeout(() => failed(`its ${bytes.length} bytes take longer than ${LONGEST_MS} ms to read`), LONGEST_MS);
    worker.once('message', (answer: CrlWorkerAnswer) => {
      if ('crls' in answer) resolve(answer.crls);
      else failed(answer.detail);
    });
    worker.once('error', (error) => failed(`its ${bytes.length} bytes cannot be read: ${error.message}`));
    worker.once('exit', () => {
      clearTimeout(timer);
      failed('the thread that read it ended');
    });
  }).finally(() => void worker.terminate());
}
