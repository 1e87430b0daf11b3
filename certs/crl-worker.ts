// The thread in which crl-parsing.ts has large CRLs read and their entries sorted.
import { parentPort, workerData } from 'node:worker_threads';
import type { Bytes } from '../base/bytes.ts';
import { toXpsError } from '../base/errors.ts';
import { parseCrl } from './crl.ts';
import { crlBlocks, type CrlWorkerAnswer } from './crl-parsing.ts';

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
parentPort?.postMessage(answer(workerData as Bytes));

function answer(bytes: Bytes): CrlWorkerAnswer {
  try {
    return { crls: crlBlocks(bytes).map((der) => ({ der, index: parseCrl(der).index })) };
  } catch (thrown) {
    return { detail: toXpsError(thrown).detail };
  }
}
