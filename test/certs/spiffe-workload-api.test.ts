// Identities and bundles of a SPIFFE agent that is made of go-spiffe: its types, its certificates, its opinion.
import t from 'tap';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import type { TrustChange } from '../../certs/contract.ts';
import { openIdentity } from '../../certs/identity.ts';
import { openSpiffeIdentity, type SpiffeIdentity } from '../../certs/spiffe-identity.ts';
import { refusal } from '../support/refusal.ts';
import { type AgentAnswer, SpiffeAgent, withoutSpiffeAgent } from '../support/spiffe-agent.ts';
import { crypto } from '../support/test-crypto.ts';
import { derOf, judged, testTrust, until } from '../support/trust.ts';

const SKIP = { skip: withoutSpiffeAgent() };
const A = 'spiffe://a.example/one';
const SECOND = 'spiffe://a.example/two';
type Scope = { teardown(end: () => void): void };

/** Short, because the path of a UNIX socket may only have about 100 bytes. */
async function agentFor(t: Scope): Promise<{ agent: SpiffeAgent; socket: string }> {
  const dir = mkdtempSync(join(tmpdir(), 'xps-spiffe-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const socket = join(dir, 'agent.sock');
  return { agent: await SpiffeAgent.start(t, socket), socket };
}

async function open(t: Scope, socket: string, spiffeId?: string, startMs = 3000): Promise<{ identity: SpiffeIdentity; failures: Error[] }> {
  const identity = await openSpiffeIdentity({ spiffeSocket: socket, spiffeId, startMs }, { crypto, clock: systemClock });
  t.teardown(() => identity[Symbol.dispose]());
  const failures: Error[] = [];
  identity.onFailure((error) => failures.push(error));
  return { identity, failures };
}

const peerOf = ({ chain }: AgentAnswer) => ({ chain: derOf(chain as string), staple: new Uint8Array(0) });
const base64Of = ({ current }: SpiffeIdentity): string => Buffer.concat(current.presented.chain).toString('base64');

t.test('an identity comes with its bundle, and go-spiffe agrees with it', SKIP, async (t) => {
  const { agent, socket } = await agentFor(t);
  await agent.tell({ do: 'serve', ids: [A] });
  const { credential, bundles } = await openIdentity({ spiffeSocket: socket, spiffeId: undefined }, { crypto, clock: systemClock });
  t.teardown(() => credential[Symbol.dispose]());
  t.equal(credential.current.presented.chain.length, 2);
  t.match(await agent.tell({ do: 'verify', chain: base64Of(credential as SpiffeIdentity) }), { ok: true, id: A });
  t.match(bundles?.anchors, [{ trustDomain: 'a.example', source: /agent/ }]);

  const { trust } = await testTrust(t, { bundles: [] }, { bundles });
  const peer = await judged(trust, peerOf(await agent.tell({ do: 'issue', ids: [SECOND] })), ['spiffe://a.example/*']);
  t.equal(peer.spiffeId, SECOND);
  t.equal(trust.caHints.length, 1);
  const stranger = peerOf(await agent.tell({ do: 'issue', ids: ['spiffe://b.example/x'] }));
  await t.rejects(judged(trust, stranger, ['spiffe://b.example/*']), refusal('certificate_untrusted'));
});

t.test('of several identities the first is used, or the one that is named', SKIP, async (t) => {
  const { agent, socket } = await agentFor(t);
  await agent.tell({ do: 'serve', ids: [A, SECOND], hints: ['internal', 'external'] });
  const { identity: first } = await open(t, socket);
  t.match(await agent.tell({ do: 'verify', chain: base64Of(first) }), { id: A });
  const { identity: second } = await open(t, socket, SECOND);
  t.match(await agent.tell({ do: 'verify', chain: base64Of(second) }), { id: SECOND });
  await t.rejects(open(t, socket, 'spiffe://a.example/three', 200), refusal('identity_source_failed', /has no spiffe:\/\/a\.example\/three, only spiffe:\/\/a\.example\/one/));
});

t.test('a federated bundle vouches for its own domain, comes and goes', SKIP, async (t) => {
  const { agent, socket } = await agentFor(t);
  await agent.tell({ do: 'serve', ids: [A], federate: ['b.example'] });
  const { identity } = await open(t, socket);
  const { trust } = await testTrust(t, { bundles: [] }, { bundles: identity });
  const changes: TrustChange[] = [];
  trust.onChange((change) => changes.push(change));
  const foreign = peerOf(await agent.tell({ do: 'issue', ids: ['spiffe://b.example/x'] }));
  t.equal((await judged(trust, foreign, ['spiffe://b.example/x'])).spiffeId, 'spiffe://b.example/x');
  await agent.tell({ do: 'serve', ids: [A] });
  await until('the federation has ended', () => changes.includes('bundles'));
  await t.rejects(judged(trust, foreign, ['spiffe://b.example/x']), refusal('certificate_untrusted'));
});

t.test('an identity that is renewed takes the place of the old one', SKIP, async (t) => {
  const { agent, socket } = await agentFor(t);
  await agent.tell({ do: 'serve', ids: [A] });
  const { identity, failures } = await open(t, socket);
  const before = identity.current;
  let changes = 0;
  identity.onChange(() => { changes += 1; });
  await agent.tell({ do: 'serve', ids: [A] });
  await until('the new one is current', () => changes === 1);
  t.not(identity.current, before);
  t.notSame(identity.current.key.spki, before.key.spki);
  t.same(failures, []);
});

t.test('a root is replaced without a moment in which either fails', SKIP, async (t) => {
  const { agent, socket } = await agentFor(t);
  await agent.tell({ do: 'serve', ids: [A] });
  const { identity } = await open(t, socket);
  const { trust } = await testTrust(t, { bundles: [] }, { bundles: identity });
  const old = peerOf(await agent.tell({ do: 'issue', ids: [SECOND] }));
  t.ok(await judged(trust, old, [SECOND]));
  await agent.tell({ do: 'renew', domain: 'a.example' });
  const fresh = peerOf(await agent.tell({ do: 'issue', ids: [SECOND] }));
  await t.rejects(judged(trust, fresh, [SECOND]), refusal('certificate_untrusted'), 'the agent has not told yet');
  let seen = 0;
  identity.onChange(() => {
    seen = identity.anchors.length;
  });
  await agent.tell({ do: 'serve', ids: [A] });
  await until('the new identity is current', () => seen > 0);
  t.equal(seen, 2, 'both roots were there before the new identity was');
  await until('both are trusted', () => trust.caHints.length === 2);
  t.ok(await judged(trust, old, [SECOND]));
  t.ok(await judged(trust, fresh, [SECOND]));
});

t.test('an agent that goes away leaves what was, and is found again', SKIP, async (t) => {
  const { agent, socket } = await agentFor(t);
  await agent.tell({ do: 'serve', ids: [A] });
  const { identity, failures } = await open(t, socket);
  const before = identity.current;
  await agent.tell({ do: 'down' });
  await until('the loss is told', () => failures.length > 0);
  t.match(failures[0], refusal('identity_source_failed', /agent\.sock/));
  await new Promise((resolve) => {
    setTimeout(resolve, 400);
  });
  t.ok(failures.length <= 3, `told ${failures.length} times, not with every attempt`);
  t.equal(identity.current, before);
  await agent.tell({ do: 'serve', ids: [A] });
  await agent.tell({ do: 'up' });
  await until('it is found again', () => identity.current !== before, 10_000);
});

t.test('an agent that starts later is waited for, one that never does is an error', SKIP, async (t) => {
  const { agent, socket } = await agentFor(t);
  await agent.tell({ do: 'down' });
  await t.rejects(open(t, socket, undefined, 200), refusal('identity_source_failed', /no agent answers/));
  const opening = open(t, socket, undefined, 10_000);
  await agent.tell({ do: 'deny' });
  await agent.tell({ do: 'up' });
  await t.rejects(open(t, socket, undefined, 300), refusal('identity_source_failed', /no identity for this process/));
  await agent.tell({ do: 'serve', ids: [A] });
  t.ok((await opening).identity.current);
});

t.test('what an agent sends is checked, and what was stays', SKIP, async (t) => {
  const { agent, socket } = await agentFor(t);
  await agent.tell({ do: 'serve', ids: [A] });
  const { identity, failures } = await open(t, socket);
  const before = identity.current;
  await agent.tell({ do: 'garbage' });
  await until('noise is told', () => failures.length === 1);
  await agent.tell({ do: 'mismatch', ids: [A] });
  await until('a foreign key is told', () => failures.length === 2);
  t.match(failures[1], refusal('identity_source_failed', /key does not belong/));
  t.equal(identity.current, before);
  await agent.tell({ do: 'serve', ids: [A] });
  await until('the next good one is taken', () => identity.current !== before);
});

t.test('reload asks anew, disposal leaves no stream behind', SKIP, async (t) => {
  const { agent, socket } = await agentFor(t);
  await agent.tell({ do: 'serve', ids: [A] });
  const { identity } = await open(t, socket);
  await identity.reload();
  await until('there is one stream', async () => (await agent.tell({ do: 'streams' })).streams === 1);
  identity[Symbol.dispose]();
  await until('there is none', async () => (await agent.tell({ do: 'streams' })).streams === 0);
});
