// Front of this folder: health, metrics and status over HTTP. Reads only; nothing here can change or stop anything.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP, type AddressInfo } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import type { CredentialSource, Trust } from '../../certs/contract.ts';
import type { Crypto } from '../../engines/contract.ts';
import type { AdminConfig } from '../config/schema.ts';
import { listenFailure } from '../transports/network-errors.ts';
import type { Tunnel } from '../tunnels/tunnel.ts';
import { metricsText } from './metrics.ts';
import { PAGE, PAGE_POLICY } from './page/document.ts';
import { PAGE_SCRIPT } from './page/script.ts';
import { PAGE_STYLE } from './page/style.ts';
import { statusOf } from './status.ts';

const REQUEST_MS = 5000;
const MAX_CONNECTIONS = 100;

export interface AdminSources {
  readonly tunnels: readonly Tunnel[];
  readonly trust: Trust;
  readonly credentials: CredentialSource | undefined;
  readonly crypto: Crypto;
  readonly clock: Clock;
  readonly state: () => 'starting' | 'ready' | 'draining';
}

export interface Admin {
  readonly url: string;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly policy?: string;
}

/** Binds the admin address. Rejects with `listen_failed`. */
export async function openAdmin(config: AdminConfig, sources: AdminSources): Promise<Admin> {
  const server = createServer({ requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS }, (request, response) => {
    send(response, answerTo(request, config, sources));
  });
  server.maxConnections = MAX_CONNECTIONS;
  await bind(server, config);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}/`,
    close: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}

function answerTo(request: IncomingMessage, config: AdminConfig, sources: AdminSources): Answer {
  if (request.method !== 'GET' && request.method !== 'HEAD') return text(405, 'only GET is answered here');
  if (!isOwnHost(request.headers.host, config.host)) return text(421, 'this host name is not served here');
  switch ((request.url ?? '').split('?')[0]) {
    case '/livez':
      return text(200, 'live');
    case '/readyz':
      return sources.state() === 'ready' ? text(200, 'ready') : text(503, sources.state());
    case '/metrics':
      return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: metricsText(sources) };
    case '/status':
      return { status: 200, type: 'application/json; charset=utf-8', body: JSON.stringify(statusOf(sources)) };
    case '/':
      return { status: 200, type: 'text/html; charset=utf-8', body: PAGE, policy: PAGE_POLICY };
    case '/page.js':
      return { status: 200, type: 'text/javascript; charset=utf-8', body: PAGE_SCRIPT };
    case '/page.css':
      return { status: 200, type: 'text/css; charset=utf-8', body: PAGE_STYLE };
    default:
      return text(404, 'look at /, /status, /metrics, /readyz or /livez');
  }
}

/**
 * A web page can make a browser ask us under a name of the page's own (DNS rebinding) and read the answer. An address
 * cannot be rebound, so only addresses, localhost and the configured host are answered.
 */
function isOwnHost(header: string | undefined, configured: string): boolean {
  if (header === undefined) return false;
  const host = /^(\[[^\]]+\]|[^:]+)(?::\d+)?$/.exec(header)?.[1]?.replaceAll(/[[\]]/g, '').toLowerCase();
  return host !== undefined && (isIP(host) !== 0 || host === 'localhost' || host === configured);
}

function text(status: number, body: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${body}\n` };
}

function send(response: ServerResponse, { status, type, body, policy = "default-src 'none'" }: Answer): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Content-Security-Policy': policy,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Resource-Policy': 'same-origin',
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

function bind(server: Server, { host, port }: AdminConfig): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenFailure(`admin ${host}:${port}`, error)));
    server.listen({ host, port }, resolve);
  });
}
