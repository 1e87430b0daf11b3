// What a handshake costs: `xpscerpto bench handshake`, and `node bench/handshake.ts [--json]`. Full mutual handshakes with real
// certificates, both sides in this process, the verdicts about them cached as they are in a running sidecar; CPU time of
// all threads, without any network.
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bytes } from '../base/bytes.ts';
import { systemClock } from '../base/clock.ts';
import { Authority } from '../certs/ca/authority.ts';
import type { CredentialSource, Trust } from '../certs/contract.ts';
import { openCredentialFiles } from '../certs/credential-files.ts';
import { parsePeerRule, type PeerRules } from '../certs/peer-rules.ts';
import { openTrust } from '../certs/trust.ts';
import { SecureChannel, type ChannelHandler, type ClientChannelSettings, type ServerChannelSettings } from '../channel/channel.ts';
import { DEFAULT_REKEY_LIMITS } from '../channel/rekey-schedule.ts';
import type { MintedTicket } from '../channel/session.ts';
import type { Crypto, Group } from '../engines/contract.ts';
import { createCrypto } from '../engines/registry.ts';
import { suiteOf } from '../handshake/codepoints.ts';
import { freshEntropy } from '../handshake/entropy.ts';
import { EarlySecrets } from '../handshake/key-schedule.ts';
import { permittedSchemes } from '../handshake/negotiation.ts';
import type { ClientTicket, ServerTicket } from '../handshake/settings.ts';

const KEY_TYPES = ['p256', 'ed25519'] as const;
const GROUP_NAMES: readonly Group[] = ['X25519', 'XWING'];
const HANDSHAKES_PER_SAMPLE = 150;
const WARM_UP = 100;

export interface HandshakeOptions {
  /** Default 5. */
  readonly rounds?: number;
  readonly onProgress?: (text: string) => void;
}

export interface HandshakeFigures {
  readonly kind: 'full' | 'resumed';
  readonly certificates: (typeof KEY_TYPES)[number];
  readonly group: Group;
  /** CPU milliseconds of one handshake, client and server together; median over the rounds. */
  readonly cpuMs: number;
  /** Of the cheapest round: the machine had other things to do in the others. */
  readonly leastCpuMs: number;
}

export interface HandshakeResult {
  readonly machine: string;
  readonly rounds: number;
  readonly figures: readonly HandshakeFigures[];
}

type Subject = Pick<HandshakeFigures, 'kind' | 'certificates' | 'group'> & { readonly run: () => void };

export async function measureHandshakes({ rounds = 5, onProgress = () => undefined }: HandshakeOptions = {}): Promise<HandshakeResult> {
  const folder = await mkdtemp(join(tmpdir(), 'xpscerpto-bench-'));
  const crypto = createCrypto({ engine: 'auto', forbid: [], onWarning: onProgress });
  const parties: Party[] = [];
  try {
    for (const keyType of KEY_TYPES) parties.push(await makeParty(join(folder, keyType), keyType, crypto));
    const subjects = parties.flatMap((party) => GROUP_NAMES.flatMap((group) => [full(party, group), resumed(party, group)]));
    const samples = subjects.map(() => [] as number[]);
    for (const { run } of subjects) for (let i = 0; i < WARM_UP; i += 1) run();
    for (let round = 1; round <= rounds; round += 1) {
      onProgress(`round ${round} of ${rounds}`);
      for (const [index, { run }] of subjects.entries()) samples[index]?.push(cpuMsOf(run));
    }
    return {
      machine: cpus()[0]?.model ?? 'unknown',
      rounds,
      figures: subjects.map(({ kind, certificates, group }, index) => {
        const sorted = (samples[index] ?? []).toSorted((a, b) => a - b);
        return { kind, certificates, group, cpuMs: sorted[sorted.length >> 1] ?? Number.NaN, leastCpuMs: sorted[0] ?? Number.NaN };
      }),
    };
  } finally {
    for (const party of parties) party[Symbol.dispose]();
    await rm(folder, { recursive: true, force: true });
  }
}

export function describeHandshakes({ machine, rounds, figures }: HandshakeResult): string {
  const rows = figures.map(({ kind, certificates, group, cpuMs, leastCpuMs }) =>
    `| ${kind === 'full' ? `full, mutual, ${certificates}` : `resumed (${certificates})`} | ${group} | ${cpuMs.toFixed(2)} | ${leastCpuMs.toFixed(2)} |`,
  );
  return [
    `${machine}; medians of ${rounds} interleaved rounds; both sides together, verdicts cached, no network.`,
    '',
    '| handshake | key exchange | CPU ms | least |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

function cpuMsOf(run: () => void): number {
  const before = process.cpuUsage();
  for (let i = 0; i < HANDSHAKES_PER_SAMPLE; i += 1) run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / HANDSHAKES_PER_SAMPLE;
}

/** A CA with a client and a server, and what both need for channels. */
interface Party extends Disposable {
  readonly keyType: (typeof KEY_TYPES)[number];
  readonly crypto: Crypto;
  readonly trust: Trust;
  readonly client: CredentialSource;
  readonly server: CredentialSource;
  readonly rules: PeerRules;
}

async function makeParty(folder: string, keyType: (typeof KEY_TYPES)[number], crypto: Crypto): Promise<Party> {
  const authority = await Authority.create(folder, { name: 'bench', keyType });
  const credential = async (name: string): Promise<CredentialSource> => {
    const issued = await authority.issue({ name, keyType, dns: [`${name}.bench.example`] });
    if (issued.keyFile === undefined) throw new Error('a certificate without its key');
    return openCredentialFiles({ certFile: issued.certFile, keyFile: issued.keyFile }, { crypto, clock: systemClock });
  };
  const [client, server] = [await credential('client'), await credential('server')];
  const trust = await openTrust(
    {
      bundles: [{ file: authority.certFile, sha256: [] }],
      pins: [],
      revocation: { mode: 'hard', crl: [authority.crlFile], fetchCrls: false, graceMs: 0, ocsp: { staple: false, query: false, requireStaple: false } },
      clockSkewMs: 60_000,
    },
    { crypto, clock: systemClock },
  );
  const rule = parsePeerRule('dns:*.bench.example');
  if ('mistake' in rule) throw new Error(rule.mistake);
  return {
    keyType, crypto, trust, client, server,
    rules: { allow: [rule], deny: [] },
    [Symbol.dispose]: () => {
      trust[Symbol.dispose]();
      client[Symbol.dispose]();
      server[Symbol.dispose]();
    },
  };
}

function full(party: Party, group: Group): Subject {
  const settings = pairSettings(party, group);
  return {
    kind: 'full', certificates: party.keyType, group,
    run: () => {
      const { client, server } = meet(settings.client(), settings.server());
      client[Symbol.dispose]();
      server[Symbol.dispose]();
    },
  };
}

/** Each run uses the ticket of the one before. */
function resumed(party: Party, group: Group): Subject {
  const settings = pairSettings(party, group);
  let tickets: { readonly client: ClientTicket; readonly server: ServerTicket } | undefined;
  return {
    kind: 'resumed', certificates: party.keyType, group,
    run: () => {
      const { client, server, ticket } = meet(settings.client(tickets?.client), settings.server(tickets?.server), true);
      const [seenByClient, seenByServer] = [client.peerCredential, server.peerCredential];
      if (ticket === undefined || seenByClient === undefined || seenByServer === undefined) throw new Error('no ticket came');
      const suite = suiteOf(group, 'AES_GCM');
      tickets = {
        client: { ticket: ticket.client.ticket, psk: ticket.client.psk, suite, peer: seenByClient },
        server: { psk: ticket.server.psk, suite, peer: seenByServer },
      };
      client[Symbol.dispose]();
      server[Symbol.dispose]();
    },
  };
}

function pairSettings({ crypto, trust, client, server, rules }: Party, group: Group) {
  const judge = trust.judgeFor(rules);
  const entropy = freshEntropy(crypto);
  const leafKey = trust.leafKey.bind(trust);
  const common = {
    timeouts: { helloMs: 3000, handshakeMs: 10_000, closeMs: 5000, keepAliveMs: 0 },
    rekeyLimits: DEFAULT_REKEY_LIMITS,
    rekeySettings: () => {
      throw new Error('no channel of this measurement lives long enough');
    },
    judge: ({ credential, side }) => judge.judge(credential, side),
    nowMs: () => systemClock.monotonicMs(),
  } satisfies Partial<ClientChannelSettings>;
  const handshake = {
    crypto, entropy, leafKey,
    early: new EarlySecrets(crypto.hash, undefined, ''),
    suites: [suiteOf(group, 'AES_GCM')],
    schemes: permittedSchemes(crypto),
    recordLimit: 65_536,
    isOwnLeafAllowed: false,
    isStapleRequired: false,
  };
  return {
    client: (ticket?: ClientTicket): ClientChannelSettings => ({
      side: 'client', ...common,
      handshake: { ...handshake, credential: client.current, ticket },
    }),
    server: (ticket?: ServerTicket): ServerChannelSettings => ({
      side: 'server', ...common,
      hasMeshKey: false,
      handshake: {
        ...handshake,
        credential: server.current,
        clientAuth: 'required',
        isAnonymousAllowed: false,
        caHints: trust.caHints,
        trustDigest: trust.digest,
        cookies: { isDemanded: false, make: () => new Uint8Array(1), isValid: () => false },
        redeemTicket: () => ticket,
      },
    }),
  };
}

interface Meeting {
  readonly client: SecureChannel;
  readonly server: SecureChannel;
  readonly ticket: { readonly client: MintedTicket; readonly server: MintedTicket } | undefined;
}

/** Two channels joined in memory, until both are established; with a ticket if it is wanted. */
function meet(clientSettings: ClientChannelSettings, serverSettings: ServerChannelSettings, isTicketWanted = false): Meeting {
  let got: MintedTicket | undefined;
  const client = new SecureChannel(clientSettings, handler((ticket) => {
    got = ticket;
  }));
  const server = new SecureChannel(serverSettings, handler(() => undefined));
  server.start();
  client.start();
  flow(client, server);
  if (client.established === undefined || server.established === undefined) throw new Error('the handshake needs more than bytes');
  if (!isTicketWanted) return { client, server, ticket: undefined };
  const minted = server.mintTicket(3600);
  flow(client, server);
  return { client, server, ticket: minted && got && { client: got, server: minted } };
}

function flow(client: SecureChannel, server: SecureChannel): void {
  const pass = (pieces: readonly Bytes[], to: SecureChannel): boolean => {
    for (const piece of pieces) to.receive(piece);
    return pieces.length > 0;
  };
  while (pass(client.takeOutput(), server) || pass(server.takeOutput(), client));
}

function handler(onTicket: (ticket: MintedTicket) => void): ChannelHandler {
  const nothing = (): void => undefined;
  return {
    onTicket,
    onOutput: nothing, onReady: nothing, onEstablished: nothing, onOpen: nothing, onData: nothing, onEnd: nothing,
    onReset: nothing, onStreamOver: nothing, onRetire: nothing, onRekeyed: nothing, onClosed: nothing,
    onFailed: (error) => {
      throw error;
    },
  };
}

if (import.meta.main) {
  const result = await measureHandshakes();
  process.stdout.write(process.argv.includes('--json') ? `${JSON.stringify(result, undefined, 2)}\n` : describeHandshakes(result));
}
