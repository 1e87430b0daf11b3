import { once } from 'node:events';
import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import t from 'tap';
import { application, connectTo, readAll } from '../support/applications.ts';
import { run, skipWithout } from '../support/programs.ts';
import { startPair } from '../support/scenario.ts';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function ask(url: string, options: { readonly method?: string; readonly host?: string } = {}): Promise<Answer> {
  const asked = request(url, { method: options.method ?? 'GET', ...(options.host === undefined ? {} : { headers: { host: options.host } }) });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, headers: response.headers, body: await readAll(response as never) };
}

const app = await application(t, 'tcp', (stream) => stream.pipe(stream));
const pair = await startPair(t, { target: app.url });
const admin = pair.client.adminUrl;
const stream = await connectTo(t, pair.url);
stream.write('hello');
await once(stream, 'data');

await t.test('health', async (t) => {
  t.match(await ask(`${admin}livez`), { status: 200, body: 'live\n' });
  t.match(await ask(`${admin}readyz`), { status: 200, body: 'ready\n' });
});

await t.test('metrics', async (t) => {
  const { body, headers } = await ask(`${admin}metrics`);
  t.match(headers['content-type'], 'text/plain; version=0.0.4');
  t.match(body, /^# HELP xpscerpto_streams_opened_total .+\n# TYPE xpscerpto_streams_opened_total counter\nxpscerpto_streams_opened_total\{tunnel="test",role="client"\} 1$/m);
  t.match(body, /^xpscerpto_bytes_to_channel_total\{tunnel="test",role="client"\} 5$/m);
  t.match(body, /^xpscerpto_ready 1$/m);
  t.match(body, /^xpscerpto_identity_expires_seconds \d+$/m);
  const strange = body.trim().split('\n').filter((line) => !/^(#|[a-z_]+(\{[^{}]*\})? -?[\d.]+$)/.test(line));
  t.strictSame(strange, [], 'every line is a comment or a sample');
});

await t.test('status', async (t) => {
  const status = await pair.client.status();
  t.match(status, {
    state: 'ready',
    identity: { name: /client/ },
    trust: { anchors: [{ name: /Test CA/ }] },
    tunnels: [{ name: 'test', role: 'client', openConnections: 1, isAccepting: true }],
  });
  const busy = status.tunnels[0]?.channels.find(({ isBusy }) => isBusy);
  t.match(busy, { peer: 'spiffe://test.example/server', suite: /_AES_GCM$/, generation: 1 });
});

await t.test('only GET, only under its own address', async (t) => {
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) t.equal((await ask(`${admin}status`, { method })).status, 405, method);
  for (const host of ['evil.example', 'evil.example:9901', '127.0.0.1.evil.example']) {
    t.equal((await ask(`${admin}status`, { host })).status, 421, `Host: ${host}`);
  }
  for (const host of ['localhost:1', '127.0.0.1', '[::1]:9901']) t.equal((await ask(`${admin}status`, { host })).status, 200, `Host: ${host}`);
  t.equal((await ask(`${admin}quitquitquit`)).status, 404);
});

await t.test('the page loads nothing from elsewhere', async (t) => {
  const { body, headers } = await ask(admin);
  t.match(headers['content-security-policy'], "default-src 'none'");
  t.notMatch(body, /https?:/);
  t.match(await ask(`${admin}page.js`), { status: 200, headers: { 'content-type': /javascript/ } });
  t.match(await ask(`${admin}page.css`), { status: 200, headers: { 'content-type': /css/ } });
});

await t.test('the page in a browser', { skip: skipWithout('chromium') }, async (t) => {
  const { stdout } = await run('chromium', ['--headless', '--no-sandbox', '--disable-gpu', '--virtual-time-budget=3000', '--dump-dom', admin]);
  t.match(stdout, /class="badge ready"[^>]*>ready</);
  t.match(stdout, '<td>spiffe://test.example/server</td>');
  t.match(stdout, 'CN=Test CA');
  t.match(stdout, '<td>in use</td>');
});
