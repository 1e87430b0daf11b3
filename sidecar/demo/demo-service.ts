import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

const GREETING = `Hello from a service that knows nothing of cryptography.
Your request came through two sidecars and one encrypted, mutually authenticated channel.

  GET  /            this text
  GET  /headers     what arrived here, as the service saw it
  POST /echo        your bytes back
`;

/** The service that the demo protects: plain HTTP on localhost. Rejects when the port is taken. */
export async function startDemoService(port: number): Promise<Server> {
  const server = createServer(answer);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return server;
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const text = { 'content-type': 'text/plain; charset=utf-8' };
  if (request.method === 'POST' && request.url === '/echo') {
    response.writeHead(200, { 'content-type': request.headers['content-type'] ?? 'application/octet-stream' });
    request.pipe(response);
    return;
  }
  request.resume();
  if (request.url === '/headers') {
    response.writeHead(200, { 'content-type': 'application/json' }).end(`${JSON.stringify(request.headers, null, 2)}\n`);
  } else if (request.url === '/') {
    response.writeHead(200, text).end(GREETING);
  } else {
    response.writeHead(404, text).end('There is nothing here. Try /\n');
  }
}
