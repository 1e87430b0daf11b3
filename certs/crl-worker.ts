// The thread in which crl-parsing.ts has the entries of a large CRL read and sorted.
import { parentPort, workerData } from 'node:worker_threads';
import type { Bytes } from '../base/bytes.ts';
import { toXpsError } from '../base/errors.ts';
import { parseCrl } from './crl.ts';
import type { CrlWorkerAnswer } from './crl-parsing.ts';

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
parentPort?.postMessage(answer(workerData as Bytes));

function answer(der: Bytes): CrlWorkerAnswer {
  try {
    return { index: parseCrl(der).index };
  } catch (thrown) {
    return { detail: toXpsError(thrown).detail };
  }
}
