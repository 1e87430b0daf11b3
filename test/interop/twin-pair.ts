/** Two twins, joined in memory. */
import { ReferencePeer, type ReferenceEvent, type ReferenceOptions } from '../reference/reference.ts';
import { ALL_SCHEMES } from '../reference/algorithms.ts';
import { ALICE, BOB } from '../support/channel-sides.ts';
import type { TestIdentity } from '../support/certificates.ts';

export const credentialOf = ({ chain, keyPem }: TestIdentity): { chain: Uint8Array[]; keyPem: string } => ({ chain: [...chain], keyPem });

export type TwinOptions = Partial<Omit<ReferenceOptions, 'role'>>;

export function twinClient(options: TwinOptions = {}, now?: () => number): ReferencePeer {
  return new ReferencePeer({ role: 'client', ...COMMON, credential: credentialOf(ALICE), ...(now && { now }), ...options });
}

export function twinServer(options: TwinOptions = {}, now?: () => number): ReferencePeer {
  return new ReferencePeer({ role: 'server', ...COMMON, credential: credentialOf(BOB), ...(now && { now }), ...options });
}

/** Without a credential: `exactOptionalPropertyTypes` wants it to be absent. */
export function anonymousTwin(options: TwinOptions = {}, now?: () => number): ReferencePeer {
  return new ReferencePeer({ role: 'client', ...COMMON, ...(now && { now }), ...options });
}

const COMMON = {
  suites: [0x0101],
  schemes: [...ALL_SCHEMES],
  recordLimit: 65_536,
  acceptPeer: () => true,
} satisfies TwinOptions;

export class TwinPair {
  readonly client: ReferencePeer;
  readonly server: ReferencePeer;
  nowMs = 1_000_000;

  constructor(client: TwinOptions = {}, server: TwinOptions = {}, isAnonymous = false) {
    const now = (): number => this.nowMs;
    this.client = (isAnonymous ? anonymousTwin : twinClient)(client, now);
    this.server = twinServer(server, now);
  }

  start(): this {
    this.client.start();
    return this.flow();
  }

  flow(): this {
    for (;;) {
      const up = this.client.takeOutput();
      if (up.length > 0) this.server.receive(up);
      const down = this.server.takeOutput();
      if (down.length > 0) this.client.receive(down);
      if (up.length + down.length === 0) return this;
    }
  }
}

export function eventsOf(peer: ReferencePeer, type: ReferenceEvent['type']): readonly ReferenceEvent[] {
  return peer.events.filter((event) => event.type === type);
}
