import t from 'tap';
import type { SigningKey } from '../../engines/contract.ts';
import type { Credential, Staple, StapleFetcher } from '../../certs/contract.ts';
import { CredentialKeeper } from '../../certs/credential-keeper.ts';
import { systemClock } from '../../base/clock.ts';
import { refusal } from '../support/refusal.ts';
import { SteppedClock, until } from '../support/trust.ts';

const TIMING = { firstMs: 50, shortestPauseMs: 20, longestPauseMs: 40 };

function credential(name: string): Credential {
  return { presented: { chain: [Buffer.from(name)], staple: new Uint8Array(0) }, key: { spki: Buffer.from(name) } as unknown as SigningKey, name, notBeforeMs: 0, notAfterMs: Date.now() + 1e9 };
}

function staple(text: string, { refreshMs = 60_000, validMs = 120_000 } = {}): Staple {
  return { der: Buffer.from(text), refreshAtMs: Date.now() + refreshMs, validUntilMs: Date.now() + validMs };
}

function keeperFor(scope: { teardown(end: () => void): void }, clock = systemClock): { keeper: CredentialKeeper; text(): string } {
  const keeper = new CredentialKeeper(clock, undefined, TIMING);
  scope.teardown(() => keeper[Symbol.dispose]());
  return { keeper, text: () => Buffer.from(keeper.current.presented.staple).toString() };
}

t.test('a new credential goes out with its staple, not with that of the old one', async (t) => {
  const { keeper, text } = keeperFor(t);
  await keeper.staple({ fetchStaple: async ([leaf]) => staple(`for ${Buffer.from(leaf as Uint8Array).toString()}`) });
  const seen: string[] = [];
  keeper.onChange(() => seen.push(`${keeper.current.name} ${text()}`));
  await keeper.replace(credential('one'));
  await keeper.replace(credential('two'));
  t.same(seen, ['one for one', 'two for two']);
});

t.test('a responder that hangs delays a new credential for a moment, no longer', async (t) => {
  const { keeper, text } = keeperFor(t);
  let attempts = 0;
  await keeper.staple({
    fetchStaple: () => {
      attempts += 1;
      return attempts === 1 ? new Promise<never>(() => {}) : Promise.resolve(staple('late'));
    },
  });
  await keeper.replace(credential('one'));
  t.equal(text(), '');
  await until('it is tried again', () => text() === 'late');
});

t.test('a newer credential is not overtaken by one that waited for its staple', async (t) => {
  const { keeper } = keeperFor(t);
  await keeper.staple({ fetchStaple: ([leaf]) => new Promise((resolve) => {
    setTimeout(resolve, Buffer.from(leaf as Uint8Array).toString() === 'one' ? 30 : 1, undefined);
  }) });
  await Promise.all([keeper.replace(credential('one')), keeper.replace(credential('two'))]);
  t.equal(keeper.current.name, 'two');
});

t.test('a staple is renewed in time, kept while that fails, and dropped when it has ended', async (t) => {
  const clock = new SteppedClock();
  const { keeper, text } = keeperFor(t, clock);
  const failures: Error[] = [];
  keeper.onFailure((error) => failures.push(error));
  let answer: () => Promise<Staple> = () => Promise.resolve(staple('first', { refreshMs: 20 }));
  const fetcher: StapleFetcher = { fetchStaple: () => answer() };
  await keeper.replace(credential('one'));
  await keeper.staple(fetcher);
  t.equal(text(), 'first');
  answer = () => Promise.resolve(staple('second', { refreshMs: 20 }));
  await until('it is renewed', () => text() === 'second');
  answer = () => Promise.reject(new Error('down'));
  await until('failures are told', () => failures.length >= 2);
  t.equal(text(), 'second');
  clock.nowMs += 200_000;
  await until('it is dropped', () => text() === '');
  answer = () => Promise.resolve(staple('third'));
  await until('the next one is taken', () => text() === 'third');
});

t.test('after disposal nothing happens any more', async (t) => {
  const { keeper } = keeperFor(t);
  let changes = 0;
  keeper.onChange(() => { changes += 1; });
  const replacing = keeper.staple({ fetchStaple: async () => staple('x') }).then(() => keeper.replace(credential('one')));
  keeper[Symbol.dispose]();
  await replacing;
  t.equal(changes, 0);
  t.throws(() => keeper.current, refusal('internal_error'));
});
