import t from 'tap';
import { CHANNEL_KINDS, LOCAL_KINDS, startEveryTransport } from '../support/every-transport.ts';

const BYTES = 3 * 1024 * 1024 + 17;

const pair = await startEveryTransport(t);
for (const channel of CHANNEL_KINDS) {
  for (const local of LOCAL_KINDS) {
    await t.test(`${local} ═ ${channel} ═ ${local}`, async (t) => {
      const { there, back } = await pair.exchange(local, channel, BYTES);
      t.equal(there.received, there.sent, 'to the server');
      t.equal(back.received, back.sent, 'to the client');
    });
  }
}
