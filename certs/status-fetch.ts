import { Agent, request, type IncomingMessage } from 'node:http';
import type { Bytes } from '../base/bytes.ts';
import { concat } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';

/** How CRLs and OCSP answers come over the network. Behind an interface, so that everything else works without one. */
export interface StatusFetcher {
  /** The body of a 200 answer. Rejects with `status_fetch_failed`. */
  fetch(request: StatusRequest): Promise<Bytes>;
}

export interface StatusRequest {
  readonly url: string;
  /** Sent by POST; absent: GET. */
  readonly body?: { readonly type: string; readonly bytes: Bytes };
  readonly accept: string;
  readonly maxBytes: number;
  /** From the first look-up to the last byte, redirects included. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

const MAX_REDIRECTS = 3;
const MAX_URL_LENGTH = 2048;
const MAX_PARALLEL = 8;
const MAX_WAITING = 256;

/**
 * Plain HTTP only: what is fetched is signed, and a status that needs TLS would need a status first (RFC 5280 §8).
 * Nothing of an answer but its verified content is ever used, and no credential is sent.
 */
export class HttpStatusFetcher implements StatusFetcher, Disposable {
  readonly #agent: Agent = new Agent({ keepAlive: false, maxSockets: MAX_PARALLEL });
  readonly #waiting: (() => void)[] = [];
  readonly #ending = new AbortController();
  #running = 0;

  async fetch(wanted: StatusRequest): Promise<Bytes> {
    await this.#turn(wanted);
    const signal = AbortSignal.any([this.#ending.signal, AbortSignal.timeout(wanted.timeoutMs), ...(wanted.signal === undefined ? [] : [wanted.signal])]);
    try {
      return await this.#follow(wanted, signal);
    } catch (thrown) {
      if (signal.aborted) {
        const why = this.#ending.signal.aborted ? 'stopped' : wanted.signal?.aborted === true ? 'not needed any more' : `no complete answer within ${wanted.timeoutMs} ms`;
        throw failed(wanted.url, why, thrown);
      }
      throw thrown instanceof XpsError ? thrown : failed(wanted.url, errorText(thrown), thrown);
    } finally {
      this.#release();
    }
  }

  [Symbol.dispose](): void {
    this.#ending.abort();
    this.#agent.destroy();
  }

  /** Whoever waits takes over the place of one that ends. */
  async #turn({ url }: StatusRequest): Promise<void> {
    if (this.#running < MAX_PARALLEL) {
      this.#running += 1;
      return;
    }
    if (this.#waiting.length >= MAX_WAITING) throw failed(url, 'too many requests are waiting');
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }

  async #follow(wanted: StatusRequest, signal: AbortSignal): Promise<Bytes> {
    let url = plainHttp(wanted.url, wanted.url);
    for (let redirects = 0; ; redirects += 1) {
      const answer = await this.#exchange(url, wanted, signal);
      const location = redirectOf(answer);
      if (location === undefined) return readBody(answer, wanted);
      answer.destroy();
      if (redirects === MAX_REDIRECTS) throw failed(wanted.url, `more than ${MAX_REDIRECTS} redirects`);
      url = plainHttp(location, wanted.url, url);
    }
  }

  #exchange(url: URL, { body, accept }: StatusRequest, signal: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const headers = { accept, ...(body === undefined ? {} : { 'content-type': body.type, 'content-length': body.bytes.length }) };
      const sent = request(url, { agent: this.#agent, method: body === undefined ? 'GET' : 'POST', headers, signal });
      sent.once('response', resolve);
      sent.on('error', reject);
      sent.end(body?.bytes);
    });
  }
}

/** Whether such a URL is fetched at all; others (ldap, https, file) are passed over. */
export function isFetchable(url: string): boolean {
  return url.length <= MAX_URL_LENGTH && /^http:\/\//i.test(url) && URL.canParse(url);
}

function plainHttp(text: string, wanted: string, base?: URL): URL {
  if (text.length > MAX_URL_LENGTH || !URL.canParse(text, base?.href)) throw failed(wanted, 'not a URL that can be used');
  const url = new URL(text, base?.href);
  if (url.protocol !== 'http:') throw failed(wanted, `${url.protocol} is not fetched, only http:`);
  url.username = '';
  url.password = '';
  return url;
}

function redirectOf({ statusCode = 0, headers }: IncomingMessage): string | undefined {
  return [301, 302, 303, 307, 308].includes(statusCode) ? (headers.location ?? '') : undefined;
}

async function readBody(answer: IncomingMessage, { url, maxBytes }: StatusRequest): Promise<Bytes> {
  try {
    if (answer.statusCode !== 200) throw failed(url, `answer ${answer.statusCode}`);
    if (Number(answer.headers['content-length'] ?? 0) > maxBytes) throw failed(url, `more than ${maxBytes} bytes`);
    const parts: Bytes[] = [];
    let length = 0;
    for await (const part of answer as AsyncIterable<Bytes>) {
      length += part.length;
      if (length > maxBytes) throw failed(url, `more than ${maxBytes} bytes`);
      parts.push(part);
    }
    if (!answer.complete) throw failed(url, 'the answer was cut off');
    return concat(parts, length);
  } finally {
    answer.destroy();
  }
}

function failed(url: string, why: string, cause?: unknown): XpsError {
  return new XpsError('status_fetch_failed', { detail: `${printable(url)}: ${why}`, ...(cause === undefined ? {} : { cause }) });
}

/** The URL is from a certificate: it has no business being long or invisible in a log. */
function printable(url: string): string {
  return url.slice(0, 256).replaceAll(/[^\x21-\x7e]/g, '?');
}

function errorText(thrown: unknown): string {
  const { code } = thrown as NodeJS.ErrnoException;
  return code ?? (thrown instanceof Error ? thrown.name : 'failed');
}
