import { Client, credentials, Metadata, status, type ClientReadableStream, type ServiceError } from '@grpc/grpc-js';
import type { Bytes } from '../base/bytes.ts';
import { toXpsError, XpsError } from '../base/errors.ts';
import { BackOff } from './back-off.ts';
import { decodeX509SvidResponse, X509_SVID_REQUEST, type X509SvidResponse } from './spiffe-messages.ts';

const METHOD = '/SpiffeWorkloadAPI/FetchX509SVID';
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/** An agent restarts in seconds; nothing is lost by asking for it often on the same machine. */
const FIRST_PAUSE_MS = 100;
const GREATEST_PAUSE_MS = 5000;

export interface WorkloadListener {
  /** Whole and current: each response replaces the one before. */
  onResponse(response: X509SvidResponse): void;
  /** The stream ended or a message could not be read. It is asked again by itself. */
  onFailure(error: XpsError): void;
}

/** The stream of X.509-SVIDs of a SPIFFE agent (SPIFFE Workload API §5.2): opened again whenever it ends. */
export class WorkloadStream implements Disposable {
  readonly #client: Client;
  readonly #socket: string;
  readonly #listener: WorkloadListener;
  readonly #backOff = new BackOff(FIRST_PAUSE_MS, GREATEST_PAUSE_MS);
  #stream: ClientReadableStream<Bytes> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isDisposed = false;

  constructor(socket: string, listener: WorkloadListener) {
    this.#socket = socket;
    this.#listener = listener;
    this.#client = new Client(`unix:${socket}`, credentials.createInsecure(), {
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      'grpc.initial_reconnect_backoff_ms': FIRST_PAUSE_MS,
      'grpc.min_reconnect_backoff_ms': FIRST_PAUSE_MS,
      'grpc.max_reconnect_backoff_ms': GREATEST_PAUSE_MS,
      // What a local agent says about itself is of no use here and would be one more thing to trust.
      'grpc.service_config_disable_resolution': 1,
    });
    this.#open();
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    clearTimeout(this.#timer);
    this.#stream?.cancel();
    this.#client.close();
  }

  #open(): void {
    const metadata = new Metadata();
    // Without it an agent refuses: a browser or proxy that was tricked into a request cannot set it.
    metadata.set('workload.spiffe.io', 'true');
    const stream = this.#client.makeServerStreamRequest(METHOD, toBuffer, (message: Buffer): Bytes => message, X509_SVID_REQUEST, metadata);
    this.#stream = stream;
    let isOver = false;
    const over = (error: XpsError): void => {
      if (isOver || this.#isDisposed) return;
      isOver = true;
      stream.cancel();
      this.#listener.onFailure(error);
      this.#timer = setTimeout(() => this.#open(), this.#backOff.failed());
    };
    stream.on('data', (message: Bytes) => {
      if (isOver || this.#isDisposed) return;
      try {
        const response = decodeX509SvidResponse(message);
        this.#backOff.succeeded();
        this.#listener.onResponse(response);
      } catch (thrown) {
        over(toXpsError(thrown, 'identity_source_failed'));
      }
    });
    stream.on('error', (error: ServiceError) => over(this.#failure(error)));
    stream.on('end', () => over(new XpsError('identity_source_failed', { detail: `the agent at ${this.#socket} ended the stream` })));
  }

  #failure(error: ServiceError): XpsError {
    const why =
      error.code === status.UNAVAILABLE ? 'no agent answers'
      : error.code === status.PERMISSION_DENIED ? 'the agent has no identity for this process'
      : error.code === status.RESOURCE_EXHAUSTED ? `the agent sent more than ${MAX_MESSAGE_BYTES} bytes`
      : `the agent answered with status ${status[error.code] ?? error.code}`;
    return new XpsError('identity_source_failed', { detail: `${this.#socket}: ${why}`, cause: error });
  }
}

function toBuffer(message: Bytes): Buffer {
  return Buffer.from(message);
}
