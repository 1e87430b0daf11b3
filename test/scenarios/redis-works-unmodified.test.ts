import t from 'tap';
import { freePort } from '../support/applications.ts';
import { run, serve, skipWithout } from '../support/programs.ts';
import { startPair, temporaryFolder } from '../support/scenario.ts';

await t.test('redis-cli and redis-benchmark', { skip: skipWithout('redis-server', 'redis-cli', 'redis-benchmark') }, async (t) => {
  const port = await freePort();
  await serve(t, 'redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', temporaryFolder(t)], port);
  const pair = await startPair(t, { target: `tcp://127.0.0.1:${port}` });
  const through = ['-h', '127.0.0.1', '-p', new URL(pair.url).port];
  t.equal((await run('redis-cli', [...through, 'SET', 'greeting', 'hello'])).stdout, 'OK\n');
  t.equal((await run('redis-cli', [...through, 'GET', 'greeting'])).stdout, 'hello\n');
  const benchmark = await run('redis-benchmark', [...through, '-n', '3000', '-c', '20', '-P', '4', '-q', '-t', 'set,get,lpush,lrange_100']);
  t.equal(benchmark.code, 0);
  t.match(benchmark.stdout, /SET: .*requests per second/);
  t.notMatch(benchmark.stderr, /error/i);
  const { counters } = await pair.client.tunnel('test');
  t.strictSame(counters['channelsFailed'], {});
});
