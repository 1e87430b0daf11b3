// Whatever two honest owners do, in whatever order, with bytes anywhere on their way: nothing is lost, nothing leaks from one
// stream into another, nobody fails, and Close agrees.
import t from 'tap';
import * as fc from 'fast-check';
import { concat, toHex, type Bytes } from '../../base/bytes.ts';
import { CONFIGURED, establishedPair, pattern, type TestPair, type TestSide } from '../support/channel-pair.ts';
import { randomCut } from '../support/cuts.ts';

type Step =
  | { readonly act: 'send'; readonly who: 'client' | 'server'; readonly length: number }
  | { readonly act: 'end' | 'reset' | 'rekey'; readonly who: 'client' | 'server' }
  | { readonly act: 'carry'; readonly direction: 'to server' | 'to client' }
  | { readonly act: 'open' | 'time' };

const who = fc.constantFrom<'client' | 'server'>('client', 'server');
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ act: fc.constant('send' as const), who, length: fc.integer({ min: 1, max: 3000 }) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('end' as const), who }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('reset' as const), who }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('rekey' as const), who }) },
  { weight: 5, arbitrary: fc.record({ act: fc.constant('carry' as const), direction: fc.constantFrom<'to server' | 'to client'>('to server', 'to client') }) },
  { weight: 3, arbitrary: fc.constantFrom<Step>({ act: 'open' }, { act: 'time' }) },
);

/** What each side has sent in each of its streams, and what has arrived of it. */
class Ledger {
  readonly sent: Record<'client' | 'server', Bytes[][]> = { client: [], server: [] };
  readonly got: Record<'client' | 'server', Bytes[][]> = { client: [], server: [] };
  /** Streams in which somebody gave up: a part may be missing at the end of each direction. */
  readonly isAborted: boolean[] = [];

  begin(): void {
    for (const side of ['client', 'server'] as const) {
      this.sent[side].push([]);
    }
    this.isAborted.push(false);
  }
}

function play(steps: readonly Step[], seed: number): boolean {
  const pair = establishedPair({ cut: randomCut(seed, 700) });
  const ledger = new Ledger();
  watch(pair.client, ledger.got.client);
  watch(pair.server, ledger.got.server);
  for (const each of steps) act(pair, ledger, each);
  finish(pair);
  const isHonest = pair.client.failure === undefined && pair.server.failure === undefined;
  const isClosed = pair.client.events.at(-1) === 'closed' && pair.server.events.at(-1) === 'closed';
  return isHonest && isClosed && arrived(ledger, 'client', 'server') && arrived(ledger, 'server', 'client');
}

/** Sorts what arrives by stream: a client's begins with its own Open, a server's with "open". */
function watch(side: TestSide, got: Bytes[][]): void {
  side.onEvent = (event) => {
    if (event === 'open') got.push([]);
    if (event === 'data') got.at(-1)?.push(side.received.at(-1) as Bytes);
  };
}

function act(pair: TestPair, ledger: Ledger, each: Step): void {
  switch (each.act) {
    case 'open':
      if (!pair.client.channel.canOpen) return;
      ledger.begin();
      ledger.got.client.push([]);
      return pair.client.channel.open(CONFIGURED);
    case 'send': {
      const { channel } = pair[each.who];
      const streams = ledger.sent[each.who];
      if (!channel.canSend) return;
      const content = pattern(each.length, streams.length * 7 + (streams.at(-1)?.length ?? 0));
      streams.at(-1)?.push(content);
      return channel.sendData(content);
    }
    case 'end':
      return pair[each.who].channel.canSend ? pair[each.who].channel.end() : undefined;
    case 'reset':
      if (!pair[each.who].channel.isIdle) ledger.isAborted[ledger.isAborted.length - 1] = true;
      return pair[each.who].channel.reset('reset');
    case 'rekey':
      return pair[each.who].channel.demandRekey();
    case 'carry':
      return void pair.carry(each.direction);
    case 'time':
      pair.nowMs += 400;
      pair.client.channel.tick();
      return pair.server.channel.tick();
  }
}

function finish(pair: TestPair): void {
  pair.flow();
  for (const side of [pair.client, pair.server]) if (side.channel.canSend) side.channel.end();
  pair.flow();
  pair.client.channel.close();
  pair.advance(3000);
}

function arrived(ledger: Ledger, from: 'client' | 'server', to: 'client' | 'server'): boolean {
  return ledger.sent[from].every((pieces, stream) => {
    const [sent, got] = [toHex(concat(pieces)), toHex(concat(ledger.got[to][stream] ?? []))];
    return ledger.isAborted[stream] === true ? sent.startsWith(got) : sent === got;
  });
}

t.test('any script of opening, sending, ending, resetting, rekeying and carrying', async (t) => {
  fc.assert(fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), fc.integer({ min: 1, max: 1000 }), play), { numRuns: 150 });
  t.pass('150 scripts');
});
