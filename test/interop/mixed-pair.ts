/** The implementation on one side and the second implementation on the other, joined in memory. */
import type { Bytes } from '../../base/bytes.ts';
import { suiteOf, type Suite } from '../../handshake/codepoints.ts';
import type { ReferencePeer } from '../reference/reference.ts';
import { TestSide } from '../support/channel-pair.ts';
import { clientSettings, serverSettings, type ClientOptions, type ServerOptions } from '../support/channel-sides.ts';
import { asWritten, type Cut } from '../support/cuts.ts';
import { anonymousTwin, twinClient, twinServer, type TwinOptions } from './twin-pair.ts';

export const SUITES: readonly Suite[] = (['X25519', 'XWING'] as const).flatMap((group) =>
  (['AES_GCM', 'CHACHA20_POLY1305', 'XCHACHA20_POLY1305'] as const).map((aead) => suiteOf(group, aead)),
);

interface MixedOptions {
  readonly twin?: TwinOptions;
  readonly isTwinAnonymous?: boolean;
  readonly cut?: Cut;
}

abstract class MixedPair {
  abstract readonly ours: TestSide;
  abstract readonly twin: ReferencePeer;
  nowMs = 1_000_000;
  cut: Cut = asWritten;

  /** Bytes of the application that came to the twin. */
  get twinReceived(): Uint8Array {
    return Buffer.concat(this.twin.events.flatMap((event) => (event.type === 'data' ? [event.bytes] : [])));
  }

  /** What the twin reported, by type. */
  get twinEvents(): readonly string[] {
    return this.twin.events.map(({ type }) => type);
  }

  flow(): this {
    while (this.#carry());
    return this;
  }

  advance(ms: number): this {
    this.nowMs += ms;
    this.ours.channel.tick();
    this.twin.tick();
    return this.flow();
  }

  #carry(): boolean {
    const toTwin: readonly Bytes[] = this.ours.channel.takeOutput();
    for (const piece of this.cut(toTwin)) this.twin.receive(piece);
    const toUs = this.twin.takeOutput();
    if (toUs.length > 0) for (const piece of this.cut([toUs])) this.ours.channel.receive(Uint8Array.from(piece));
    return toTwin.length > 0 || toUs.length > 0;
  }
}

/** The twin is the client. */
export class TwinCalls extends MixedPair {
  readonly ours: TestSide;
  readonly twin: ReferencePeer;

  constructor(server: ServerOptions = {}, { twin = {}, isTwinAnonymous = false, cut = asWritten }: MixedOptions = {}) {
    super();
    this.cut = cut;
    this.ours = new TestSide(serverSettings(server, () => this.nowMs));
    this.twin = (isTwinAnonymous ? anonymousTwin : twinClient)(twin, () => this.nowMs);
  }

  start(): this {
    this.ours.channel.start();
    this.twin.start();
    return this.flow();
  }
}

/** The twin is the server. */
export class TwinAnswers extends MixedPair {
  readonly ours: TestSide;
  readonly twin: ReferencePeer;

  constructor(client: ClientOptions = {}, { twin = {}, cut = asWritten }: MixedOptions = {}) {
    super();
    this.cut = cut;
    this.ours = new TestSide(clientSettings(client, () => this.nowMs));
    this.twin = twinServer(twin, () => this.nowMs);
  }

  start(): this {
    this.ours.channel.start();
    return this.flow();
  }
}
