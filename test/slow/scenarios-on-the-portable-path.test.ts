import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import t from 'tap';
import { readAll } from '../support/applications.ts';

const RUNNER = join(import.meta.dirname, '../run.ts');

t.setTimeout(900_000);

// The fast suite runs the scenarios on whatever `auto` chooses, the native data plane where it is built.
await t.test('every scenario passes when bytes move in JavaScript', async (t) => {
  const child = spawn(process.execPath, [RUNNER, 'test/scenarios'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: join(import.meta.dirname, '../..'),
    env: { ...process.env, XPS_DATA_PLANE: 'portable' },
  });
  t.teardown(() => child.kill());
  const [text] = await Promise.all([readAll(child.stdout as never), once(child, 'exit')]);
  t.equal(child.exitCode, 0, text);
  t.match(text, /\n\d+ passed, 0 failed, \d+ skipped\n$/);
});
