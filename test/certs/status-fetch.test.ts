import t from 'tap';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { HttpStatusFetcher, isFetchable, type StatusRequest } from '../../certs/status-fetch.ts';
import { httpServer } from '../support/http-server.ts';
import { refusal } from '../support/refusal.ts';

function fetcher(t: { teardown(end: () => void): void }): (url: string, more?: Partial<StatusRequest>) => Promise<Uint8Array> {
  const made = new HttpStatusFetcher();
  t.teardown(() => made[Symbol.dispose]());
  return (url, more = {}) => made.fetch({ url, accept: '*/*', maxBytes: 1000, timeoutMs: 300, ...more });
}

t.test('a body comes as it is, by GET and by POST', async (t) => {
  const { url } = await httpServer(t, (request, response) => {
    if (request.method === 'GET') response.end('hello');
    else request.pipe(response.setHeader('x-type', request.headers['content-type'] ?? ''));
  });
  const ask = fetcher(t);
  t.equal(Buffer.from(await ask(url)).toString(), 'hello');
  t.equal(Buffer.from(await ask(url, { body: { type: 'application/ocsp-request', bytes: Buffer.from('asked') } })).toString(), 'asked');
});

t.test('no credential of a URL is sent, and redirects stay plain HTTP and few', async (t) => {
  let authorization: string | undefined = 'none yet';
  const { url } = await httpServer(t, (request, response) => {
    const [, kind, left] = (request.url ?? '').split('/');
    if (kind === 'plain') {
      ({ authorization } = request.headers);
      response.end('ok');
    } else if (kind === 'hop') response.writeHead(302, { location: Number(left) === 0 ? '/plain' : `/hop/${Number(left) - 1}` }).end();
    else response.writeHead(302, { location: decodeURIComponent(left ?? '') }).end();
  });
  const ask = fetcher(t);
  await ask(`${url.replace('http://', 'http://user:secret@')}/plain`);
  t.equal(authorization, undefined);
  t.equal(Buffer.from(await ask(`${url}/hop/2`)).toString(), 'ok');
  await t.rejects(ask(`${url}/hop/3`), refusal('status_fetch_failed', /redirects/));
  for (const target of ['https://example.org/', 'file:///etc/passwd', 'ldap://x/', 'data:,x']) {
    await t.rejects(ask(`${url}/to/${encodeURIComponent(target)}`), refusal('status_fetch_failed', /is not fetched, only http:/), target);
  }
});

const EXPECTED: Readonly<Record<string, RegExp>> = { huge: /more than 1000 bytes/, endless: /more than 1000 bytes/, silent: /within 300 ms/, absent: /answer 404/, broken: /answer 500/, empty: /answer 204/ };

t.test('hostile servers cost no more than the limits', async (t) => {
  const kinds: Record<string, Parameters<typeof httpServer>[1]> = {
    huge: (_, response) => void response.writeHead(200, { 'content-length': 1e12 }).write('x'),
    endless: (_, response) => {
      const more = (): void => {
        while (response.write(Buffer.alloc(100)) && !response.destroyed);
        response.once('drain', more);
      };
      more();
    },
    dripping: (_, response) => {
      const drip = setInterval(() => response.write('x'), 20);
      response.once('close', () => clearInterval(drip));
    },
    silent: () => {},
    cut: (_, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('half');
      setTimeout(() => response.destroy(), 20);
    },
    absent: (_, response) => void response.writeHead(404).end('no'),
    broken: (_, response) => void response.writeHead(500).end('no'),
    empty: (_, response) => void response.writeHead(204).end(),
  };
  const ask = fetcher(t);
  for (const [kind, answer] of Object.entries(kinds)) {
    const { url } = await httpServer(t, answer);
    const before = performance.now();
    await t.rejects(ask(url), refusal('status_fetch_failed', EXPECTED[kind]), kind);
    t.ok(performance.now() - before < 3000, `${kind} ends soon`);
  }
});

t.test('what speaks no HTTP, or is not there, is an error', async (t) => {
  const noise = createServer((socket) => socket.end('220 smtp.example\r\n').on('error', () => {}));
  await new Promise<void>((resolve) => {
    noise.listen(0, '127.0.0.1', resolve);
  });
  const { port } = noise.address() as AddressInfo;
  await t.rejects(fetcher(t)(`http://127.0.0.1:${port}/`), refusal('status_fetch_failed', /HPE_/));
  noise.close();
  await t.rejects(fetcher(t)(`http://127.0.0.1:${port}/`), refusal('status_fetch_failed', /ECONNREFUSED/));
});

t.test('many at once wait for their turn, an absurd number is refused', async (t) => {
  let running = 0;
  let most = 0;
  const { url } = await httpServer(t, (_, response) => {
    running += 1;
    most = Math.max(most, running);
    setTimeout(() => {
      running -= 1;
      response.end('ok');
    }, 5);
  });
  const ask = fetcher(t);
  await Promise.all(Array.from({ length: 40 }, () => ask(url, { timeoutMs: 5000 })));
  t.ok(most <= 8, `${most} at once`);
  const flood = await Promise.allSettled(Array.from({ length: 300 }, () => ask(url, { timeoutMs: 5000 })));
  t.ok(flood.some(({ status }) => status === 'rejected'));
});

t.test('disposal ends what is under way', async (t) => {
  const { url } = await httpServer(t, () => {});
  const made = new HttpStatusFetcher();
  const pending = made.fetch({ url, accept: '*/*', maxBytes: 10, timeoutMs: 60_000 });
  made[Symbol.dispose]();
  await t.rejects(pending, refusal('status_fetch_failed', /stopped/));
});

t.test('only plain HTTP of sane length is fetched', async (t) => {
  t.ok(isFetchable('http://a/x'));
  t.ok(isFetchable('HTTP://a/x'));
  for (const url of ['https://a/', 'ldap://a/', 'file:///a', 'http:', 'nonsense', `http://a/${'x'.repeat(3000)}`]) t.notOk(isFetchable(url), url.slice(0, 30));
});
