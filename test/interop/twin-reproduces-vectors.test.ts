// The published vectors against the second implementation: both roles say the same bytes and derive the same secrets.
import t, { type Test } from 'tap';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ReferencePeer, type ReferenceOptions, type ReferenceTicket } from '../reference/reference.ts';
import { fromHex, toHex } from '../reference/bytes.ts';
import { FixedRandomness, type SentExtension, type SentLists } from './fixed-randomness.ts';

const FOLDER = resolve(import.meta.dirname, '../../docs/vectors');

type Side = 'client' | 'server';

interface Credential extends SentLists {
  readonly random: string;
  readonly record_limit: number;
  readonly chain: readonly string[];
  readonly private_key?: string | null;
  readonly staple: string;
}

interface Connection {
  readonly inputs: {
    readonly mesh_key: string | null;
    readonly service: string;
    readonly client: Credential & { readonly share_seed: string; readonly extensions: readonly SentExtension[] };
    readonly server: Credential & {
      readonly answer_seed: string;
      readonly client_auth: string;
      readonly staple_required: boolean;
      readonly ca_hints: readonly string[];
      readonly trust_digest: string;
      readonly hello_extensions: readonly SentExtension[];
      readonly parameters_extensions: readonly SentExtension[];
    };
    readonly rekey?: { readonly share_seed: string; readonly answer_seed: string };
    readonly exporter: { readonly label: string; readonly context: string; readonly length: number };
  };
  readonly messages: readonly { readonly name: string; readonly from: Side; readonly whole: string }[];
  readonly secrets: Readonly<Record<string, string>>;
  readonly records: readonly { readonly from: Side; readonly what: string; readonly wire: string; readonly inner?: string }[];
}

interface VectorFile {
  readonly name: string;
  readonly connections: readonly Connection[];
}

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.json'))) {
  t.test(file, async (t) => {
    const vector = JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as VectorFile;
    const store = new Map<string, ReferenceTicket>();
    let ticket: ReferenceTicket | undefined;
    t.ok(vector.connections.length > 0);
    for (const connection of vector.connections) {
      ticket = reproduce(t, connection, store, ticket);
    }
  });
}

/** Returns the ticket that the connection brought. */
function reproduce(t: Test, connection: Connection, store: Map<string, ReferenceTicket>, ticket: ReferenceTicket | undefined): ReferenceTicket | undefined {
  const peers = {
    client: new ReferencePeer(clientOptions(connection, ticket)),
    server: new ReferencePeer(serverOptions(connection, store)),
  };
  const unsent = { client: '', server: '' };
  const exported: string[] = [];
  const { exporter } = connection.inputs;
  peers.client.start();
  for (const [index, record] of connection.records.entries()) {
    const peer = peers[record.from];
    unsent[record.from] += toHex(peer.takeOutput());
    if (unsent[record.from] === '') {
      act(peer, record.what, record.inner);
      unsent[record.from] += toHex(peer.takeOutput());
    }
    const said = unsent[record.from].slice(0, record.wire.length);
    if (said !== record.wire) t.equal(said, record.wire, `record ${index}, ${record.what} of the ${record.from}`);
    unsent[record.from] = unsent[record.from].slice(record.wire.length);
    peers[record.from === 'client' ? 'server' : 'client'].receive(fromHex(record.wire));
    if (record.what === 'Confirm') {
      for (const side of [peers.client, peers.server]) {
        exported.push(toHex(side.exportSecret(exporter.label, fromHex(exporter.context), exporter.length)));
      }
    }
  }
  const messages = connection.messages.map(({ from, whole }) => ({ from, bytes: whole }));
  for (const side of ['client', 'server'] as const) {
    t.equal(peers[side].state, 'closed', `the ${side} is closed`);
    t.same(peers[side].log.map(({ from, bytes }) => ({ from, bytes })), messages, `messages of the ${side}`);
    compareSecrets(t, peers[side], connection, side);
  }
  t.same(exported, [connection.secrets['exported'], connection.secrets['exported']], 'exporter of both');
  const brought = peers.client.events.find(({ type }) => type === 'ticket');
  return brought?.type === 'ticket' ? brought.ticket : undefined;
}

function compareSecrets(t: Test, peer: ReferencePeer, { secrets }: Connection, side: Side): void {
  const known = new Map(Object.entries(peer.secrets).map(([name, value]) => [name.replaceAll(' ', '_').toLowerCase(), value]));
  const missing: string[] = [];
  for (const [name, value] of Object.entries(secrets)) {
    if (name === 'exported') continue;
    const own = known.get(name);
    if (own === undefined) missing.push(name);
    else if (own !== value) t.equal(own, value, `${name} of the ${side}`);
  }
  t.same(missing, [], `the ${side} has every secret`);
}

/** What happens next on this side, if it is not an answer to something. */
function act(peer: ReferencePeer, what: string, inner = ''): void {
  switch (what) {
    case 'Open':
      return peer.open();
    case 'DATA':
      return peer.sendData(fromHex(inner.replace(/02(?:00)*$/, '')));
    case 'End':
      return peer.end();
    case 'Close':
      return peer.close();
    case 'RekeyWish':
      return peer.wishRekey();
    case 'RekeyRequest':
      return peer.startRekey();
    case 'Ticket':
      return peer.sendTicket(Number.parseInt(inner.slice(8, 16), 16));
    default:
      throw new Error(`nobody says ${what} by itself`);
  }
}

function clientOptions(connection: Connection, ticket: ReferenceTicket | undefined): ReferenceOptions {
  const { client } = connection.inputs;
  const fixed = new FixedRandomness(client);
  fixed.put('client random', client.random);
  for (const seed of [client.share_seed, connection.inputs.rekey?.share_seed ?? '']) {
    fixed.put('x25519 private', seed);
    fixed.put('xwing seed', seed);
  }
  fixed.putExtensionGrease('grease hello extension', client.extensions);
  return {
    role: 'client',
    ...common(connection, client),
    ...fixed.lists,
    random: fixed.draw,
    ...(ticket !== undefined && { ticket }),
  };
}

function serverOptions(connection: Connection, ticketStore: Map<string, ReferenceTicket>): ReferenceOptions {
  const { server } = connection.inputs;
  const fixed = new FixedRandomness(server);
  fixed.put('server random', server.random);
  for (const seed of [server.answer_seed, connection.inputs.rekey?.answer_seed ?? '']) {
    fixed.put('x25519 private', seed);
    fixed.put('xwing encaps seed', seed);
  }
  fixed.putExtensionGrease('grease hello extension', server.hello_extensions);
  fixed.putExtensionGrease('grease parameters extension', server.parameters_extensions);
  const ticket = connection.messages.find(({ name }) => name === 'Ticket')?.whole;
  if (ticket !== undefined) {
    fixed.put('ticket', ticket.slice(16, 80));
    fixed.put('ticket nonce', ticket.slice(82));
  }
  const retry = connection.messages.find(({ name }) => name === 'Retry')?.whole;
  return {
    role: 'server',
    ...common(connection, server),
    ...fixed.lists,
    clientAuth: ['required', 'optional', 'none'].indexOf(server.client_auth) as 0 | 1 | 2,
    stapleRequired: server.staple_required,
    caHints: server.ca_hints.map(fromHex),
    trustDigest: fromHex(server.trust_digest),
    random: fixed.draw,
    ticketStore,
    ...(retry !== undefined && { retry: () => fromHex(retry.slice(10)) }),
  };
}

function common({ inputs }: Connection, side: Credential): Omit<ReferenceOptions, 'role' | 'suites' | 'schemes'> {
  const { private_key: keyPem } = side;
  return {
    recordLimit: side.record_limit,
    serviceName: inputs.service,
    acceptPeer: () => true,
    now: () => 1_000_000,
    ...(inputs.mesh_key !== null && { meshKey: fromHex(inputs.mesh_key) }),
    ...(typeof keyPem === 'string' && { credential: { chain: side.chain.map(fromHex), keyPem, staple: fromHex(side.staple) } }),
  };
}
