// The sessions of README.md, typed by a newcomer who copies files and commands in order.
import t from 'tap';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryFolder } from '../support/scenario.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PATIENCE_MS = 20_000;

interface Step {
  /** Undefined: a session. */
  readonly file: string | undefined;
  readonly text: string;
}

/** Files and sessions that carry a mark, in the order of the document. */
function stepsOf(readme: string): readonly Step[] {
  return [...readme.matchAll(/<!-- (session|file (\S+)) -->\n```\w+\n([\s\S]*?)```/g)].map(([, , file, text]) => ({
    file,
    text: text as string,
  }));
}

t.test('files and commands of the README, in order', async (t) => {
  const dir = temporaryFolder(t);
  const service = createServer((_request, response) => response.end('the service answers\n')).listen(18_000, '127.0.0.1');
  await once(service, 'listening');
  t.teardown(() => {
    service.close();
    service.closeAllConnections();
  });
  const running: ChildProcess[] = [];
  t.teardown(() => running.forEach((child) => child.kill('SIGTERM')));
  const env = { ...process.env, PATH: `${join(ROOT, 'bin')}:${process.env['PATH'] ?? ''}` };

  const run = async (command: string): Promise<{ readonly code: number; readonly output: string }> => {
    const child = spawn('/bin/sh', ['-c', command], { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    return { code, output };
  };

  const steps = stepsOf(readFileSync(join(ROOT, 'README.md'), 'utf8'));
  t.ok(steps.length >= 5, 'the README has its sessions');
  for (const { file, text } of steps) {
    if (file !== undefined) {
      writeFileSync(join(dir, file), text);
      continue;
    }
    for (const line of text.split('\n').filter((candidate) => candidate.startsWith('$ '))) {
      const command = line.slice(2);
      if (command.endsWith('&')) {
        running.push(spawn('/bin/sh', ['-c', `exec ${command.slice(0, -1)}`], { cwd: dir, env, stdio: 'ignore' }));
        continue;
      }
      if (command.startsWith('curl')) await Promise.all([18_443, 18_080].map(acceptsConnections));
      const { code, output } = await run(command.replace(/^curl/, 'curl -sS --max-time 10'));
      t.equal(code, 0, `${command}\n${output}`);
      if (command.startsWith('curl')) t.equal(output, 'the service answers\n');
    }
  }
  t.equal(running.length, 2, 'both sidecars were started');

  const revokedAt = performance.now();
  let last = await run('curl -sS --max-time 5 http://127.0.0.1:18080/');
  while (last.code === 0 && performance.now() - revokedAt < PATIENCE_MS) {
    await sleep(100);
    last = await run('curl -sS --max-time 5 http://127.0.0.1:18080/');
  }
  t.not(last.code, 0, 'the revoked client gets nothing any more');
});

async function acceptsConnections(port: number): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isUp = await new Promise<boolean>((done) => socket.once('connect', () => done(true)).once('error', () => done(false)));
    socket.destroy();
    if (isUp) return;
    if (performance.now() > until) throw new Error(`nobody listens on port ${port}`);
    await sleep(50);
  }
}
