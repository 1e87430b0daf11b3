import t from 'tap';
import { CHANNEL_KINDS, LOCAL_KINDS, startEveryTransport } from '../support/every-transport.ts';

/** XPS_TEST_BYTES makes it smaller for a quick look. */
const BYTES = Number(process.env['XPS_TEST_BYTES'] ?? 2 ** 30);
const AEADS = ['AES_GCM', 'CHACHA20_POLY1305', 'XCHACHA20_POLY1305'] as const;
/** Twelve tunnels in one process, all of them used. */
const MEMORY_BYTES = 256 * 1024 * 1024;

t.setTimeout(3_600_000);

for (const aead of AEADS) {
  await t.test(aead, { timeout: 1_800_000 }, async (t) => {
    const pair = await startEveryTransport(t, { crypto: { aead: { default: aead } } });
    for (const channel of CHANNEL_KINDS) {
      for (const local of LOCAL_KINDS) {
        const begun = performance.now();
        const { there, back } = await pair.exchange(local, channel, BYTES);
        const seconds = (performance.now() - begun) / 1000;
        t.equal(there.received, there.sent, `${local} ═ ${channel}, to the server`);
        t.equal(back.received, back.sent, `${local} ═ ${channel}, to the client, ${(BYTES / 1e9 / seconds).toFixed(2)} GB/s each way`);
      }
    }
    for (const side of [pair.client, pair.server]) {
      const { process, tunnels } = await side.status();
      t.ok(process.rssBytes < MEMORY_BYTES, `${Math.round(process.rssBytes / 1e6)} MB resident`);
      for (const tunnel of tunnels) {
        for (const { suite } of tunnel.channels) t.ok(suite.endsWith(`_${aead}`), `${tunnel.name}: ${suite}`);
      }
    }
  });
}
