// What `npm start` shows a newcomer.
import t from 'tap';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMAND, xpscerpto } from '../support/command.ts';
import { temporaryFolder } from '../support/scenario.ts';

t.test('the demo says where to connect, serves there, and ends with a signal', async (t) => {
  const dir = join(temporaryFolder(t), 'demo');
  const demo = spawn(COMMAND, ['demo', '--dir', dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => demo.kill('SIGKILL'));
  let said = '';
  demo.stdout.setEncoding('utf8');
  while (!said.includes('Ctrl-C stops everything')) {
    const [chunk] = (await Promise.race([once(demo.stdout, 'data'), once(demo, 'exit')])) as [unknown];
    if (typeof chunk !== 'string') throw new Error(`the demo ended: ${said}`);
    said += chunk;
  }

  const application = /curl (http:\/\/127\.0\.0\.1:\d+\/)\n/.exec(said)?.[1] as string;
  t.match(await (await fetch(application)).text(), /^Hello from a service/);
  const body = 'any bytes';
  t.equal(await (await fetch(`${application}echo`, { method: 'POST', body })).text(), body);
  for (const [, page] of said.matchAll(/status (http:\S+)/g)) {
    t.match(await (await fetch(page as string)).text(), /<!doctype html>/i, `${page} is a page`);
  }

  demo.kill('SIGINT');
  t.same(await once(demo, 'exit'), [0, null]);
  await t.rejects(fetch(application), 'nothing listens any more');
  t.ok(existsSync(join(dir, 'client.yaml')), 'the configuration stays, to read');
});

t.test('a folder that is not of the demo is left alone', async (t) => {
  const dir = join(temporaryFolder(t), 'mine');
  mkdirSync(dir);
  writeFileSync(join(dir, 'precious'), 'x');
  const { code, stderr } = await xpscerpto(['demo', '--dir', dir]);
  t.equal(code, 2);
  t.match(stderr, /was not made by the demo/);
  t.ok(existsSync(join(dir, 'precious')));
});
