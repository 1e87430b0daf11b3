import t from 'tap';
import { CHANNEL_KINDS, exchangeOver, LOCAL_KINDS } from '../support/every-transport.ts';

const BYTES = 3 * 1024 * 1024 + 17;

for (const channel of CHANNEL_KINDS) {
  for (const local of LOCAL_KINDS) {
    await t.test(`${local} ═ ${channel} ═ ${local}`, async (t) => {
      const { there, back } = await exchangeOver(t, local, channel, BYTES);
      t.equal(there.received, there.sent, 'to the server');
      t.equal(back.received, back.sent, 'to the client');
    });
  }
}
