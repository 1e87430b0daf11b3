// Runs the scenarios of docs/vectors with the implementation and writes down everything: see docs/vectors/README.md.
import { toHex, type Bytes } from '../../../base/bytes.ts';
import type { SecureChannel } from '../../../channel/channel.ts';
import type { Crypto } from '../../../engines/contract.ts';
import { EXTENSION_TICKET, GROUP_IDS, messageName } from '../../../handshake/codepoints.ts';
import { decodeClientHello } from '../../../handshake/messages/client-hello.ts';
import { parseMessage, type Message } from '../../../handshake/messages/message.ts';
import { decodeServerHello } from '../../../handshake/messages/server-hello.ts';
import { decodeServerParameters } from '../../../handshake/messages/server-parameters.ts';
import type { ClientTicket, Entropy, ServerTicket } from '../../../handshake/settings.ts';
import { grease } from '../../../handshake/negotiation.ts';
import { ALICE, BOB, demandCookies } from '../channel-sides.ts';
import { CONFIGURED, pattern, TestPair, type Direction } from '../channel-pair.ts';
import { EXPORT_LABEL, Recorder } from './recorder.ts';
import { fixedBytes, SCENARIOS, type Scenario } from './scenarios.ts';

interface VectorRecord {
  readonly from: 'client' | 'server';
  /** "plain", or the low 16 bits of the epoch. */
  readonly epoch: 'plain' | number;
  readonly nonce?: string;
  /** Content, type and padding before sealing; absent for a plain record. */
  readonly inner?: string;
  /** The message that ends in this record, or DATA. */
  readonly what: string;
  readonly wire: string;
}

interface VectorConnection {
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly messages: readonly { readonly name: string; readonly from: string; readonly whole: string }[];
  readonly secrets: Readonly<Record<string, string>>;
  readonly records: readonly VectorRecord[];
}

export interface VectorFile {
  readonly name: string;
  readonly description: string;
  readonly protocol_version: 1;
  readonly connections: readonly VectorConnection[];
}

const TICKET_LIFETIME_S = 3600;

export function makeVector(scenario: Scenario, crypto: Crypto): VectorFile {
  const first = connect(scenario, crypto, 'first', undefined);
  const connections = [first.connection];
  if (scenario.isResumed) connections.push(connect(scenario, crypto, 'second', first.tickets).connection);
  return { name: scenario.name, description: scenario.description, protocol_version: 1, connections };
}

export const allVectors = (crypto: Crypto): readonly VectorFile[] => SCENARIOS.map((scenario) => makeVector(scenario, crypto));

interface Tickets {
  readonly client: ClientTicket;
  readonly server: ServerTicket;
}

interface Outcome {
  readonly connection: VectorConnection;
  readonly tickets: Tickets | undefined;
}

function connect(scenario: Scenario, crypto: Crypto, ordinal: string, tickets: Tickets | undefined): Outcome {
  const seeds = (what: string, length: number): Uint8Array<ArrayBuffer> => fixedBytes(`${scenario.name} ${ordinal} ${what}`, length);
  const recorders = {
    client: new Recorder(crypto, (length) => seeds('client ping', length)),
    server: new Recorder(crypto, counted((count, length) => seeds(`server ticket ${count}`, length))),
  };
  const pair = new TestPair({
    client: {
      crypto: recorders.client.crypto,
      suites: scenario.clientSuites,
      identity: scenario.isClientAnonymous ? undefined : ALICE,
      service: scenario.service,
      schemes: ['ed25519', 'ecdsa_p256_sha256'],
      entropy: entropy('client', scenario, seeds),
      rekeyEntropy: entropy('client rekey', scenario, seeds),
      ...(scenario.meshKey && { meshKey: scenario.meshKey }),
      ...(tickets && { ticket: tickets.client }),
    },
    server: {
      crypto: recorders.server.crypto,
      suites: scenario.serverSuites,
      clientAuth: scenario.clientAuth,
      isAnonymousAllowed: scenario.isClientAnonymous,
      service: scenario.service,
      schemes: ['ed25519', 'ecdsa_p384_sha384'],
      recordLimit: 32_768,
      // The same on both connections: another one would forbid the ticket (docs/PROTOCOL.md §10.3).
      trustDigest: fixedBytes(`${scenario.name} first trust digest`, 32),
      caHints: [seeds('hint', 32)],
      entropy: entropy('server', scenario, seeds),
      rekeyEntropy: entropy('server rekey', scenario, seeds),
      redeemTicket: () => tickets?.server,
      ...(scenario.isCookieDemanded && { cookies: demandCookies(crypto) }),
      ...(scenario.meshKey && { meshKey: scenario.meshKey }),
    },
  });
  const watch = new WireWatch(recorders);
  pair.intercept = (direction, bytes) => watch.see(direction, bytes);
  pair.start();
  const exported = exportBoth(pair.client.channel, pair.server.channel);
  const minted = scenario.isResumed && tickets === undefined ? pair.server.channel.mintTicket(TICKET_LIFETIME_S) : undefined;
  pair.flow();
  useStream(pair, scenario);
  const failure = pair.client.failure ?? pair.server.failure;
  if (failure !== undefined) throw failure;
  const kept = pair.client.tickets[0];
  const suite = pair.client.established?.suite;
  return {
    connection: {
      inputs: inputsOf(scenario, seeds, watch.messages, tickets),
      messages: watch.messages.map(({ from, message }) => ({ name: nameOf(message), from, whole: toHex(message.whole) })),
      secrets: { ...recorders.client.secrets, exported },
      records: watch.records,
    },
    tickets: minted && kept && suite && {
      client: { ticket: kept.ticket, psk: kept.psk, suite, peer: { chain: BOB.chain, staple: new Uint8Array(0) } },
      server: { psk: minted.psk, suite, peer: { chain: ALICE.chain, staple: new Uint8Array(0) } },
    },
  };
}

/** One stream with data both ways, a rekey within if the scenario has one, and an orderly close. */
function useStream(pair: TestPair, { isRekeyed }: Scenario): void {
  const { client, server } = pair;
  client.channel.open(CONFIGURED);
  client.channel.sendData(pattern(40));
  pair.flow();
  if (isRekeyed) {
    server.channel.demandRekey();
    pair.nowMs += 1000;
    server.channel.tick();
    pair.flow();
  }
  server.channel.sendData(pattern(50, 2));
  server.channel.end();
  pair.flow();
  client.channel.sendData(pattern(10, 3));
  client.channel.end();
  client.channel.close();
  pair.flow();
}

/** Sees what goes over the wire, in order, beside what was sealed into it. */
class WireWatch {
  readonly records: VectorRecord[] = [];
  readonly messages: { readonly from: 'client' | 'server'; readonly message: Message }[] = [];
  readonly #recorders: Readonly<Record<'client' | 'server', Recorder>>;
  readonly #taken = { client: 0, server: 0 };

  constructor(recorders: Readonly<Record<'client' | 'server', Recorder>>) {
    this.#recorders = recorders;
  }

  see(direction: Direction, bytes: readonly Bytes[]): readonly Bytes[] {
    for (const record of bytes) this.#see(direction === 'to server' ? 'client' : 'server', record);
    return bytes;
  }

  #see(from: 'client' | 'server', record: Bytes): void {
    const wire = toHex(record);
    if (record[0] === 0x58) {
      const message = parseMessage(Uint8Array.from(record.subarray(8)));
      this.messages.push({ from, message });
      this.records.push({ from, epoch: 'plain', what: nameOf(message), wire });
      return;
    }
    const sealed = this.#recorders[from].sealed[this.#taken[from]];
    if (sealed === undefined) throw new Error('a record that nobody sealed');
    this.#taken[from] += 1;
    const inner = Buffer.from(sealed.inner, 'hex');
    const end = inner.findLastIndex((byte) => byte !== 0);
    const epoch = ((record[2] as number) << 8) | (record[3] as number);
    if (inner[end] === 1) this.messages.push({ from, message: parseMessage(inner.subarray(0, end)) });
    const what = inner[end] === 1 ? nameOf(parseMessage(inner.subarray(0, end))) : 'DATA';
    this.records.push({ from, epoch, ...sealed, what, wire });
  }
}

function nameOf(message: Message): string {
  const name = messageName(message.type) ?? 'unknown';
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

/** What an implementation has to be given so that it says the same: lists as they were sent, GREASE included. */
function inputsOf(
  scenario: Scenario,
  seeds: (what: string, length: number) => Bytes,
  messages: readonly { readonly message: Message }[],
  tickets: Tickets | undefined,
): Readonly<Record<string, unknown>> {
  const named = (name: string): Message => {
    const found = messages.findLast(({ message }) => nameOf(message) === name);
    if (found === undefined) throw new Error(`no ${name}`);
    return found.message;
  };
  const hello = decodeClientHello(named('ClientHello').body);
  const serverHello = decodeServerHello(named('ServerHello').body);
  const parameters = decodeServerParameters(named('ServerParameters').body);
  const exchange = (what: string): Record<string, string> => ({
    share_seed: toHex(seeds(`client${what} share`, 32)),
    answer_seed: toHex(seeds(`server${what} answer`, answerSeedLength(serverHello.suite))),
  });
  /** The handshake draws GREASE in a fixed order: the count says for what. */
  const greaseExtension = (side: string, count: number): { type: string; body: string }[] => [
    { type: hex16(grease(seeds(`${side} grease ${count}`, 2)[0] as number, 0x7)), body: '' },
  ];
  return {
    mesh_key: scenario.meshKey === undefined ? null : toHex(scenario.meshKey),
    service: scenario.service,
    client: {
      random: toHex(hello.random),
      suites: hello.suites.map(hex16),
      schemes: hello.schemes.map(hex16),
      group: hex16(GROUP_IDS[hello.group]),
      share_seed: exchange('')['share_seed'],
      record_limit: hello.recordLimit,
      extensions: [...(hello.ticket === undefined ? [] : [{ type: hex16(EXTENSION_TICKET), body: toHex(hello.ticket) }]), ...greaseExtension('client', 2)],
      ...(scenario.isClientAnonymous ? { chain: [], private_key: null } : { chain: ALICE.chain.map(toHex), private_key: ALICE.keyPem }),
      staple: '',
      psk: tickets === undefined ? null : 'secrets.psk of the first connection',
    },
    server: {
      random: toHex(serverHello.random),
      suites: parameters.suites.map(hex16),
      schemes: parameters.schemes.map(hex16),
      client_auth: parameters.clientAuth,
      staple_required: parameters.isStapleRequired,
      ca_hints: parameters.caHints.map(toHex),
      trust_digest: toHex(parameters.trustDigest),
      answer_seed: exchange('')['answer_seed'],
      record_limit: 32_768,
      hello_extensions: greaseExtension('server', 1),
      parameters_extensions: greaseExtension('server', 3),
      chain: BOB.chain.map(toHex),
      private_key: BOB.keyPem,
      staple: '',
    },
    ...(scenario.isRekeyed && { rekey: exchange(' rekey') }),
    exporter: { label: EXPORT_LABEL, context: toHex(EXPORT_CONTEXT), length: 32 },
  };
}

const EXPORT_CONTEXT = Uint8Array.of(1, 2, 3);

function exportBoth(client: SecureChannel, server: SecureChannel): string {
  const [one, other] = [client, server].map((channel) => toHex(channel.exportSecret(EXPORT_LABEL, EXPORT_CONTEXT, 32)));
  if (one === undefined || one !== other) throw new Error('both sides export different secrets');
  return one;
}

function entropy(side: string, { serverSuites }: Scenario, seeds: (what: string, length: number) => Uint8Array): Entropy {
  return {
    random: counted((count, length) => seeds(`${side} random ${count}`, length)),
    shareSeed: seeds(`${side} share`, 32),
    answerSeed: seeds(`${side} answer`, answerSeedLength(serverSuites[0]?.id ?? 0)),
    grease: counted((count) => {
      const [value = 0, place = 0] = seeds(`${side} grease ${count}`, 2);
      return [value, place] as const;
    }),
  };
}

/** Passes on how often it was called before. */
function counted<A extends unknown[], R>(make: (count: number, ...args: A) => R): (...args: A) => R {
  let count = 0;
  return (...args) => {
    count += 1;
    return make(count - 1, ...args);
  };
}

const answerSeedLength = (suite: number): number => (suite >> 8 === GROUP_IDS.XWING ? 64 : 32);
const hex16 = (value: number): string => `0x${value.toString(16).padStart(4, '0')}`;
