import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HttpServer {
  /** `http://127.0.0.1:port`, without a slash at the end. */
  readonly url: string;
  /** Paths in the order of the requests. */
  readonly requests: string[];
}

/** A server on the loopback for one test. */
export async function httpServer(t: { teardown(end: () => void): void }, answer: RequestListener): Promise<HttpServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    answer(request, response);
  });
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}
