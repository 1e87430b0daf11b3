// The small parts of a tunnel: cookies, tickets, targets, silent connections, limited log.
import { randomBytes } from 'node:crypto';
import t from 'tap';
import { Secret } from '../../../base/secret.ts';
import { createCrypto } from '../../../engines/registry.ts';
import { suiteOf } from '../../../handshake/codepoints.ts';
import type { Log } from '../../../sidecar/log.ts';
import { CookieJar } from '../../../sidecar/tunnels/cookies.ts';
import { LimitedLog } from '../../../sidecar/tunnels/log-limit.ts';
import { Targets } from '../../../sidecar/tunnels/targets.ts';
import { ClientTickets, ServerTickets, ticketLifetimeS, type KeepRequest } from '../../../sidecar/tunnels/tickets.ts';

const crypto = createCrypto({ engine: 'openssl', forbid: [] });
const HOUR_MS = 3_600_000;

t.test('cookies', (t) => {
  let nowMs = 1_000_000;
  let valid = 0;
  const jar = new CookieJar(crypto, () => nowMs);
  const policy = (address: string): ReturnType<CookieJar['policyFor']> => jar.policyFor(address, () => true, () => {
    valid += 1;
  });
  const hello = randomBytes(500);
  const cookie = policy('192.0.2.1:5').make(hello);
  t.ok(cookie.length <= 64, 'it fits its field');
  t.ok(policy('192.0.2.1:5').isValid(hello, cookie));
  t.equal(valid, 1);
  t.notOk(policy('192.0.2.2:5').isValid(hello, cookie), 'another address');
  t.notOk(policy('192.0.2.1:5').isValid(randomBytes(500), cookie), 'another hello');
  for (let at = 0; at < cookie.length; at += 1) {
    const changed = Uint8Array.from(cookie);
    changed[at] = (changed[at] as number) ^ 1;
    t.notOk(policy('192.0.2.1:5').isValid(hello, changed), `byte ${at} changed`);
  }
  t.notOk(policy('192.0.2.1:5').isValid(hello, cookie.subarray(1)), 'too short');
  nowMs += 29_000;
  t.ok(policy('192.0.2.1:5').isValid(hello, cookie), 'after 29 s');
  nowMs += 3000;
  t.notOk(policy('192.0.2.1:5').isValid(hello, cookie), 'after 32 s');
  const late = policy('192.0.2.1:5').make(hello);
  nowMs += 100_000;
  const overLine = policy('192.0.2.1:5').make(hello);
  nowMs += 25_000;
  t.ok(policy('192.0.2.1:5').isValid(hello, overLine), 'across a change of the key');
  t.notOk(policy('192.0.2.1:5').isValid(hello, late));
  t.equal(valid, 3);
  t.end();
});

function request(name: string, nowMs: number, signedAtMs = nowMs, binding = 'binding'): KeepRequest {
  return {
    minted: { ticket: Buffer.from(name.padEnd(32)), psk: new Secret(randomBytes(48)), lifetimeS: 3600 },
    suite: suiteOf('X25519', 'AES_GCM'),
    peer: { chain: [randomBytes(10)], staple: new Uint8Array(0) },
    binding, nowMs,
    series: { signedAtMs },
  };
}

t.test('tickets of a client', (t) => {
  const suites = [suiteOf('X25519', 'AES_GCM')];
  using tickets = new ClientTickets();
  tickets.put('a', request('old', 0));
  tickets.put('a', request('new', 1000));
  t.notOk(tickets.take('b', 'binding', suites, 2000), 'of another target');
  t.equal(Buffer.from(tickets.take('a', 'binding', suites, 2000)?.ticket.ticket ?? []).toString().trim(), 'new', 'the newest first');
  t.equal(Buffer.from(tickets.take('a', 'binding', suites, 2000)?.ticket.ticket ?? []).toString().trim(), 'old');
  t.notOk(tickets.take('a', 'binding', suites, 2000), 'each once');
  const expired = request('expired', 0);
  tickets.put('a', expired);
  t.notOk(tickets.take('a', 'binding', suites, HOUR_MS + 1));
  t.ok(expired.minted.psk.isWiped, 'and its key is wiped');
  tickets.put('a', request('other trust', 0));
  t.notOk(tickets.take('a', 'another binding', suites, 1));
  tickets.put('a', request('other suite', 0));
  t.notOk(tickets.take('a', 'binding', [suiteOf('XWING', 'AES_GCM')], 1));
  const many = Array.from({ length: 6 }, (_, i) => request(`${i}`, 0));
  for (const one of many) tickets.put('a', one);
  t.strictSame(many.map(({ minted }) => minted.psk.isWiped), [true, true, false, false, false, false], 'four are kept');
  t.end();
});

t.test('tickets of a server', (t) => {
  using tickets = new ServerTickets();
  const kept = request('one', 0);
  tickets.put(kept);
  t.notOk(tickets.redeem(randomBytes(32), 'binding', 1), 'unknown');
  t.ok(tickets.redeem(kept.minted.ticket, 'binding', 1));
  t.notOk(tickets.redeem(kept.minted.ticket, 'binding', 1), 'accepted once');
  const other = request('two', 0);
  tickets.put(other);
  t.notOk(tickets.redeem(other.minted.ticket, 'after a change of trust', 1));
  t.notOk(tickets.redeem(other.minted.ticket, 'binding', 1), 'and it is used up');
  t.ok(other.minted.psk.isWiped);
  t.end();
});

t.test('a series ends after 24 hours, whatever happens in between', (t) => {
  t.equal(ticketLifetimeS({ signedAtMs: 0 }, 0), 3600);
  t.equal(ticketLifetimeS({ signedAtMs: 0 }, 23.5 * HOUR_MS), 1800);
  t.equal(ticketLifetimeS({ signedAtMs: 0 }, 24 * HOUR_MS), 0);
  using tickets = new ServerTickets();
  const late = request('late', 23.9 * HOUR_MS, 0);
  tickets.put(late);
  t.notOk(tickets.redeem(late.minted.ticket, 'binding', 24 * HOUR_MS));
  t.end();
});

t.test('targets rest after a failure, longer each time', (t) => {
  const [a, b] = ['a', 'b'].map((host) => ({ scheme: 'tcp', host, port: 1, url: host }) as const);
  if (a === undefined || b === undefined) throw new Error('no targets');
  const targets = new Targets([a, b]);
  const order = (nowMs: number): string => targets.inOrder(nowMs).map(({ host }) => host).join('');
  t.equal(order(0), 'ab');
  targets.failed(a, 0);
  t.equal(order(1), 'ba');
  t.equal(order(1001), 'ab');
  targets.failed(a, 2000);
  t.equal(order(3500), 'ba', 'two seconds now');
  targets.failed(b, 3500);
  t.equal(order(3600), 'ab', 'when all rest they are tried all the same');
  targets.worked(a);
  t.equal(order(3700), 'ab');
  for (let i = 0; i < 20; i += 1) targets.failed(b, 10_000);
  t.equal(targets.status(39_999)[1]?.isResting, true);
  t.equal(targets.status(40_001)[1]?.isResting, false, 'half a minute at most');
  t.end();
});

t.test('strangers cannot flood the log', (t) => {
  const lines: Record<string, unknown>[] = [];
  let nowMs = 0;
  const log = { warn: (_message: string, fields: Record<string, unknown>) => lines.push(fields) } as unknown as Log;
  const limited = new LimitedLog(log, () => nowMs);
  for (let i = 0; i < 1000; i += 1) limited.warn('x', { i });
  t.equal(lines.length, 20);
  nowMs += 1000;
  limited.warn('x', { i: 'after' });
  t.strictSame(lines.at(-1), { i: 'after', suppressed: 980 }, 'what was left out is counted');
  t.end();
});
