// Runs in a worker thread of key-memory.test.ts: seals, reports, and ends without disposing of its key.
import { parentPort } from 'node:worker_threads';
import { loadNativeEngine } from '../../engines/native.ts';

const cipher = loadNativeEngine()?.aead?.create('AES_GCM', new Uint8Array(32).fill(7));
const out = new Uint8Array(1040);
for (let i = 0; i < 2000; i += 1) cipher?.seal(new Uint8Array(12).fill(i), new Uint8Array(8), new Uint8Array(1024), out);
parentPort?.postMessage(out, []);
