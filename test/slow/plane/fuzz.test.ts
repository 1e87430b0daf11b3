import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { encodeClose } from '../../../channel/messages/control-messages.ts';
import { encodeEnd, encodeOpen, encodeReset } from '../../../channel/messages/stream-messages.ts';
import { buildNative, withoutTools } from '../../support/native-build.ts';

const SECONDS = 20;
const run = promisify(execFile);

/** A step of the fuzzer's input: what to do, and with which bytes. */
function step(kind: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([Uint8Array.of(kind, bytes.length >> 8, bytes.length & 0xff), bytes]);
}

t.test('the parsers and rules of the plane under libFuzzer', { skip: withoutTools('clang++') }, async (t) => {
  const corpus = mkdtempSync(join(tmpdir(), 'xps-corpus-'));
  t.teardown(() => rmSync(corpus, { recursive: true, force: true }));
  const open = step(3, encodeOpen({ number: 1n, destination: { kind: 'configured' } }).whole);
  const data = step(0, Buffer.alloc(100));
  const seeds = [
    [open, data, step(3, encodeEnd({ number: 1n, bytes: 100n }).whole), step(2, Buffer.alloc(1)), step(3, encodeClose(100n).whole)],
    [open, data, step(3, encodeReset({ number: 1n, reason: 'unreachable' }).whole)],
    [step(3, encodeOpen({ number: 1n, destination: { kind: 'named', address: 'host.example:80' } }).whole), step(2, Buffer.alloc(1)), data],
    [step(1, Uint8Array.of(0x59, 0, 0, 1, 0, 0, 0, 17))],
  ];
  for (const [index, steps] of seeds.entries()) writeFileSync(join(corpus, String(index)), Buffer.concat(steps));
  const program = await buildNative({
    sources: ['test/plane/plane_fuzz.cc', 'record/native/plane/messages.cc', 'record/native/plane/record.cc'],
    compiler: 'clang++',
    flags: ['-fexceptions', '-g', '-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-fsanitize=fuzzer-no-link'],
    linkFlags: ['-fsanitize=fuzzer'],
  });
  const { stderr } = await run(program, [`-max_total_time=${SECONDS}`, '-max_len=4096', '-print_final_stats=1', corpus], { timeout: 120_000, maxBuffer: 1 << 26 });
  t.match(stderr, /Done \d+ runs/);
  t.comment(/Done \d+ runs.*/.exec(stderr)?.[0] ?? '');
});
