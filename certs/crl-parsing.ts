import { Worker } from 'node:worker_threads';
import type { Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import { type Crl, parseCrl } from './crl.ts';
import type { CrlIndex } from './crl-index.ts';

/** Up to here parsing takes a few milliseconds, less than a thread needs to start. */
const LARGE_BYTES = 1024 * 1024;
const LONGEST_MS = 60_000;
const MAX_HEAP_MB = 1024;

/** What the thread sends back: the index of the entries, or what is wrong with the CRL. */
export type CrlWorkerAnswer = { readonly index: CrlIndex } | { readonly detail: string };

/** Parses without holding up the event loop: the entries of a large CRL are read by a thread of its own. */
export async function parseCrlOffLoop(der: Bytes): Promise<Crl> {
  return der.length < LARGE_BYTES ? parseCrl(der) : parseCrl(der, await indexInThread(der));
}

function indexInThread(der: Bytes): Promise<CrlIndex> {
  const file = import.meta.url.endsWith('.ts') ? './crl-worker.ts' : './crl-worker.js';
  const worker = new Worker(new URL(file, import.meta.url), { workerData: der, resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB } });
  // Reading revocation data must not keep a process alive that wants to end.
  worker.unref();
  return new Promise<CrlIndex>((resolve, reject) => {
    const failed = (detail: string): void => reject(new XpsError('crl_invalid', { detail }));
    const timer = setTimeout(() => failed(`its ${der.length} bytes take longer than ${LONGEST_MS} ms to read`), LONGEST_MS);
    worker.once('message', (answer: CrlWorkerAnswer) => {
      if ('index' in answer) resolve(answer.index);
      else failed(answer.detail);
    });
    worker.once('error', (error) => failed(`its ${der.length} bytes cannot be read: ${error.message}`));
    worker.once('exit', () => failed('the thread that read it ended'));
    worker.once('exit', () => clearTimeout(timer));
  }).finally(() => void worker.terminate());
}
