import type { Transport, TransportKind } from './transport.ts';

/** What is left of a transport whose connection a data plane has taken: where it came from. Everything else does nothing. */
export class ReleasedTransport implements Transport {
  readonly kind: TransportKind;
  readonly remote: string;
  readonly source: string;
  readonly pendingBytes = 0;
  onData: Transport['onData'] = nothing;
  onEnd: Transport['onEnd'] = nothing;
  onDrain: Transport['onDrain'] = nothing;
  onClose: Transport['onClose'] = nothing;

  constructor({ kind, remote, source }: Transport) {
    this.kind = kind;
    this.remote = remote;
    this.source = source;
  }

  start(): void {}

  write(): boolean {
    return true;
  }

  writeAll(): boolean {
    return true;
  }

  pause(): void {}

  resume(): void {}

  end(): void {}

  reset(): void {}

  destroy(): void {}

  tune(): void {}
}

function nothing(): void {
  // Nothing comes any more.
}
