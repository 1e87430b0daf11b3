import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawn } from 'node:child_process';
import t from 'tap';
import { isMistake, parseAddress } from '../../../sidecar/config/address.ts';
import type { Address } from '../../../sidecar/config/schema.ts';
import { dial } from '../../../sidecar/transports/dial.ts';
import { listen } from '../../../sidecar/transports/listen.ts';
import { networkSource, shownAddress } from '../../../sidecar/transports/network-source.ts';
import type { DialOptions, Listener, Transport } from '../../../sidecar/transports/transport.ts';
import { temporaryFolder, type Test } from '../../support/scenario.ts';

const DIAL: DialOptions = { side: 'channel', timeoutMs: 2000 };

function address(url: string): Address {
  const parsed = parseAddress(url, '/');
  if (isMistake(parsed)) throw new Error(parsed.what);
  return parsed;
}

interface Listening {
  readonly listener: Listener;
  readonly accepted: Transport[];
  next(): Promise<Transport>;
}

async function listening(t: Test, url: string): Promise<Listening> {
  const accepted: Transport[] = [];
  const listener = await listen(address(url), {
    side: 'channel',
    upgradeTimeoutMs: 1000,
    onAccept: () => ({ leave: () => undefined }),
    onConnection: (transport) => accepted.push(transport),
    onError: () => undefined,
  });
  t.teardown(() => {
    for (const transport of accepted) transport.destroy(0);
    return listener.close();
  });
  const next = async (): Promise<Transport> => {
    for (let left = 200; left > 0; left -= 1) {
      const transport = accepted.at(-1);
      if (transport !== undefined) return transport;
      await sleep(5);
    }
    throw new Error('nothing was accepted');
  };
  return { listener, accepted, next };
}

function collect(transport: Transport): { text: string; ended: boolean; closed: { reset: boolean } | undefined } {
  const seen: ReturnType<typeof collect> = { text: '', ended: false, closed: undefined };
  transport.onData = (bytes) => {
    seen.text += Buffer.from(bytes).toString();
  };
  transport.onEnd = () => {
    seen.ended = true;
  };
  transport.onClose = ({ reset }) => {
    seen.closed = { reset };
  };
  transport.start();
  return seen;
}

async function until(condition: () => boolean): Promise<void> {
  for (let left = 400; left > 0 && !condition(); left -= 1) await sleep(5);
}

for (const kind of ['tcp', 'unix', 'ws'] as const) {
  t.test(kind, async (t) => {
    const dir = temporaryFolder(t);
    const url = { tcp: 'tcp://127.0.0.1:0', unix: `unix:${dir}/x.sock`, ws: 'ws://127.0.0.1:0/p' }[kind];
    const there = await listening(t, url);
    const ours = await dial(address(there.listener.url), DIAL);
    const theirs = await there.next();
    t.equal(ours.kind, kind);
    t.equal(ours.remote, there.listener.url);

    ours.write(Buffer.from('before start '));
    await sleep(50);
    const seen = collect(theirs);
    const back = collect(ours);
    ours.writeAll([Buffer.from('one '), Buffer.from('two '), Buffer.from('three')]);
    await until(() => seen.text.endsWith('three'));
    t.equal(seen.text, 'before start one two three', 'nothing is lost before start');

    theirs.pause();
    ours.write(Buffer.from(' held'));
    await sleep(50);
    t.notMatch(seen.text, 'held', 'paused');
    theirs.resume();
    await until(() => seen.text.endsWith('held'));
    t.match(seen.text, /held$/, 'resumed');

    ours.end();
    if (kind === 'ws') {
      await until(() => seen.closed !== undefined);
      t.strictSame(seen.closed, { reset: false }, 'a close frame is an orderly end of both directions');
    } else {
      await until(() => seen.ended);
      t.ok(seen.ended);
      theirs.write(Buffer.from('still here'));
      await until(() => back.text !== '');
      t.equal(back.text, 'still here', 'half-closed');
      theirs.end();
    }
    await until(() => back.closed !== undefined);
    t.strictSame(back.closed, { reset: false });
  });

  t.test(`${kind}: backpressure`, async (t) => {
    const dir = temporaryFolder(t);
    const there = await listening(t, { tcp: 'tcp://127.0.0.1:0', unix: `unix:${dir}/x.sock`, ws: 'ws://127.0.0.1:0/p' }[kind]);
    const ours = await dial(address(there.listener.url), DIAL);
    const theirs = await there.next();
    let drained = 0;
    ours.onDrain = () => {
      drained += 1;
    };
    ours.start();
    let written = 0;
    while (ours.write(Buffer.alloc(65_536)) || written < 1_000_000) written += 65_536;
    t.ok(ours.pendingBytes > 0, `${ours.pendingBytes} bytes wait`);
    t.equal(drained, 0);
    let received = 0;
    theirs.onData = (bytes) => {
      received += bytes.length;
    };
    theirs.start();
    await until(() => drained > 0 && received >= written);
    t.equal(drained, 1, 'told once when the kernel has taken all');
    t.equal(ours.pendingBytes, 0);
    ours.destroy(0);
  });

  t.test(`${kind}: reset`, async (t) => {
    const dir = temporaryFolder(t);
    const there = await listening(t, { tcp: 'tcp://127.0.0.1:0', unix: `unix:${dir}/x.sock`, ws: 'ws://127.0.0.1:0/p' }[kind]);
    const ours = await dial(address(there.listener.url), DIAL);
    const theirs = await there.next();
    const seen = collect(theirs);
    const own = collect(ours);
    ours.reset();
    await until(() => seen.closed !== undefined || seen.ended);
    if (kind === 'unix') t.ok(seen.ended, 'a UNIX socket knows no reset');
    else t.strictSame(seen.closed, { reset: true });
    await until(() => own.closed !== undefined);
    t.strictSame(own.closed, { reset: true }, 'the side that reset is told once, too');
  });
}

t.test('a reset while a FIN is under way', async (t) => {
  const there = await listening(t, 'tcp://127.0.0.1:0');
  const ours = await dial(address(there.listener.url), DIAL);
  const own = collect(ours);
  const seen = collect(await there.next());
  ours.end();
  ours.reset();
  await until(() => own.closed !== undefined && seen.ended);
  t.strictSame(own.closed, { reset: true }, 'it is carried out, and told once');
  t.ok(seen.ended, 'the other side has seen the FIN, and the RST with its next write');
  const theirs = await there.next();
  theirs.write(Buffer.from('x'));
  await until(() => seen.closed !== undefined);
  t.strictSame(seen.closed, { reset: true });
});

t.test('last words reach a peer that is still sending', async (t) => {
  const there = await listening(t, 'tcp://127.0.0.1:0');
  const { port } = new URL(there.listener.url);
  const client = connect({ host: '127.0.0.1', port: Number(port) });
  await once(client, 'connect');
  client.write(Buffer.alloc(300_000));
  const theirs = await there.next();
  theirs.write(Buffer.from('goodbye'));
  theirs.destroy();
  const [answer] = (await once(client, 'data')) as [Buffer];
  t.equal(answer.toString(), 'goodbye', 'no RST overtakes them');
  client.destroy();
});

t.test('UNIX sockets that a killed process left behind', async (t) => {
  const path = join(temporaryFolder(t), 'x.sock');
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.stdout.write('up'))`;
  const other = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(other.stdout, 'data');
  await t.rejects(listening(t, `unix:${path}`), { reason: 'listen_failed', message: /another process listens there/ });
  other.kill('SIGKILL');
  await once(other, 'exit');
  t.ok(existsSync(path), 'the file is still there');
  t.ok(await listening(t, `unix:${path}`), 'and is replaced');

  const file = join(temporaryFolder(t), 'file');
  writeFileSync(file, '');
  await t.rejects(listening(t, `unix:${file}`), { reason: 'listen_failed', message: /a file of another kind/ });
});

t.test('dialling that fails', async (t) => {
  const silent = createServer();
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.teardown(() => silent.close());
  const { port } = silent.address() as AddressInfo;
  const sockets: Socket[] = [];
  silent.on('connection', (socket) => sockets.push(socket));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
  });

  await t.rejects(dial(address('tcp://127.0.0.1:1'), DIAL), { reason: 'dial_failed', message: /nobody listens there \(ECONNREFUSED\)/ });
  await t.rejects(dial(address('unix:/does/not/exist'), DIAL), { reason: 'dial_failed', message: /there is no such socket/ });
  await t.rejects(dial(address(`ws://127.0.0.1:${port}/`), { ...DIAL, timeoutMs: 100 }), { reason: 'dial_failed', message: /no connection within 100 ms/ });
  await t.rejects(dial(address('tcp://127.0.0.1:1'), { ...DIAL, signal: AbortSignal.abort() }), { reason: 'shutting_down', message: /./ });
  const abort = new AbortController();
  const dialling = dial(address(`ws://127.0.0.1:${port}/`), { ...DIAL, signal: abort.signal });
  setTimeout(() => abort.abort(), 50);
  await t.rejects(dialling, { reason: 'shutting_down', message: /./ });
});

t.test('one source of limits', (t) => {
  t.equal(networkSource('192.0.2.7'), '192.0.2.7');
  t.equal(networkSource('::ffff:192.0.2.7'), '192.0.2.7');
  t.equal(networkSource('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64');
  t.equal(networkSource('2001:db8:1:2::9'), '2001:db8:1:2::/64');
  t.equal(networkSource('2001:db8::9'), '2001:db8:0:0::/64');
  t.equal(networkSource('fe80::1%eth0'), 'fe80:0:0:0::/64');
  t.equal(networkSource('::1'), '0:0:0:0::/64');
  t.equal(networkSource(undefined), 'local');
  t.equal(shownAddress('::ffff:192.0.2.7', 5), '192.0.2.7:5');
  t.equal(shownAddress('2001:db8::1', 5), '[2001:db8::1]:5');
  t.end();
});
