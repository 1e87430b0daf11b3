import t from 'tap';
import { assert, property, uint8Array } from 'fast-check';
import { XpsError } from '../../base/errors.ts';
import { decodeX509SvidResponse } from '../../certs/spiffe-messages.ts';
import { refusal } from '../support/refusal.ts';

const field = (number: number, content: Uint8Array | string): Buffer => {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from([number * 8 + 2]), varint(bytes.length), bytes]);
};
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}
const svid = Buffer.concat([field(1, 'spiffe://a/x'), field(2, 'chain'), field(3, 'key'), field(4, 'bundle'), field(5, 'hint')]);

t.test('every field is read, unknown ones are passed over', async (t) => {
  const unknown = Buffer.concat([Buffer.from([0x78, 0x96, 0x01]), Buffer.from([0x79]), Buffer.alloc(8), Buffer.from([0x7d]), Buffer.alloc(4), field(14, 'new')]);
  const { svids, crls, federatedBundles } = decodeX509SvidResponse(Buffer.concat([unknown, field(1, svid), field(2, 'crl'), field(3, Buffer.concat([field(1, 'spiffe://b'), field(2, 'der')])), field(1, Buffer.concat([unknown, svid]))]));
  t.equal(svids.length, 2);
  t.same({ ...svids[0], chain: 0, key: 0, bundle: 0 }, { spiffeId: 'spiffe://a/x', hint: 'hint', chain: 0, key: 0, bundle: 0 });
  t.equal(Buffer.from(svids[1]?.key as Uint8Array).toString(), 'key');
  t.equal(Buffer.from(crls[0] as Uint8Array).toString(), 'crl');
  t.equal(Buffer.from(federatedBundles.get('spiffe://b') as Uint8Array).toString(), 'der');
  t.same(decodeX509SvidResponse(new Uint8Array(0)).svids, []);
});

t.test('what is cut, endless or no text is refused', async (t) => {
  const whole = field(1, svid);
  for (let length = 1; length < whole.length; length += 1) {
    t.throws(() => decodeX509SvidResponse(whole.subarray(0, length)), refusal('identity_source_failed'), `cut at ${length}`);
  }
  for (const bad of [Buffer.alloc(20, 0xff), Buffer.from([0x02, 0]), Buffer.from([0x0b]), field(1, field(1, Buffer.from([0xff]))), Buffer.concat(Array.from({ length: 1100 }, () => field(2, '')))]) {
    t.throws(() => decodeX509SvidResponse(bad), refusal('identity_source_failed'));
  }
});

t.test('noise is refused or read, never anything else', async (t) => {
  const seed = Date.now() % 2 ** 31;
  assert(
    property(uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeX509SvidResponse(bytes);
        return true;
      } catch (thrown) {
        return thrown instanceof XpsError && thrown.reason === 'identity_source_failed';
      }
    }),
    { seed, numRuns: 3000 },
  );
  t.pass(`seed ${seed}`);
});
