import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Bytes, concat } from '../../base/bytes.ts';
import { XpsError } from '../../base/errors.ts';
import type { OcspAnswers } from './ocsp-answers.ts';

const MAX_REQUEST_BYTES = 8 * 1024;
const REQUEST_TIMEOUT_MS = 5_000;
const MAX_CONNECTIONS = 64;

export interface OcspResponder extends AsyncDisposable {
  readonly port: number;
  /** Requests answered so far, errors included. */
  readonly answered: number;
}

/** Serves OCSP over HTTP on the loopback interface (RFC 6960 appendix A): POST, and GET with the request in the path. */
export async function startOcspResponder(answers: OcspAnswers, port = 0): Promise<OcspResponder> {
  let answered = 0;
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS, maxHeaderSize: MAX_REQUEST_BYTES }, (request, response) => {
    void serve(request, response, answers).then(() => (answered += 1));
  });
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(new XpsError('listen_failed', { detail: `127.0.0.1:${port}: ${cause.message}`, cause })));
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    get answered(): number {
      return answered;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function serve(request: IncomingMessage, response: ServerResponse, answers: OcspAnswers): Promise<void> {
  const asked = await readRequest(request);
  if (typeof asked === 'number') {
    response.writeHead(asked, { connection: 'close' }).end();
    return;
  }
  const answer = await answers.answer(asked);
  response.writeHead(200, { 'content-type': 'application/ocsp-response', 'content-length': answer.length }).end(answer);
}

/** The DER of the request, or an HTTP status when there is none. */
async function readRequest(request: IncomingMessage): Promise<Bytes | number> {
  if (request.method === 'GET') return fromPath(request.url ?? '/');
  if (request.method !== 'POST') return 405;
  if (request.headers['content-type'] !== 'application/ocsp-request') return 415;
  const parts: Bytes[] = [];
  let length = 0;
  try {
    for await (const part of request as AsyncIterable<Buffer>) {
      length += part.length;
      if (length > MAX_REQUEST_BYTES) return 413;
      parts.push(part);
    }
  } catch {
    return 400;
  }
  return concat(parts, length);
}

/** base64 of the request, URL-encoded, after the last slash of the responder's own path; here that is the root. */
function fromPath(url: string): Bytes | number {
  let text: string;
  try {
    text = decodeURIComponent(url.slice(1));
  } catch {
    return 400;
  }
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : 400;
}
