import t from 'tap';
import { XpsError } from '../../base/errors.ts';
import { errorFields, openLog } from '../../sidecar/log.ts';

function collect(format: 'json' | 'pretty', level: 'info' | 'warn' = 'info'): { readonly lines: string[]; readonly log: ReturnType<typeof openLog> } {
  const lines: string[] = [];
  return { lines, log: openLog({ level, format }, { write: (line) => lines.push(line) }) };
}

t.test('JSON lines', (t) => {
  const { lines, log } = collect('json');
  log.with({ tunnel: 'orders' }).warn('channel failed', { peer: 'x', missing: undefined });
  t.match(JSON.parse(lines[0] as string), { level: 'warn', tunnel: 'orders', msg: 'channel failed', peer: 'x', time: /^\d{4}-\d\d-\d\dT/ });
  t.notOk((lines[0] as string).includes('missing'));
  t.end();
});

t.test('levels', (t) => {
  const { lines, log } = collect('json', 'warn');
  log.info('not this');
  log.error('but this');
  t.equal(lines.length, 1);
  t.end();
});

t.test('foreign text cannot forge a line or command a terminal', (t) => {
  for (const format of ['json', 'pretty'] as const) {
    const { lines, log } = collect(format);
    log.warn('x', { name: 'a\n12:00:00 INFO all is well\u001b[2J\u202e' });
    const text = lines.join('');
    t.equal(text.split('\n').length, 2, 'one line');
    t.notMatch(text, /\u001b|\u202e/);
  }
  t.end();
});

t.test('pretty lines', (t) => {
  const { lines, log } = collect('pretty');
  log.info('listening', { url: 'tcp://127.0.0.1:1', note: 'two words' });
  t.match(lines[0], /^\d\d:\d\d:\d\d\.\d{3} INFO {2}listening url=tcp:\/\/127\.0\.0\.1:1 note="two words"\n$/);
  t.end();
});

t.test('errors', (t) => {
  const fields = errorFields(new XpsError('dial_failed', { detail: 'tcp://x: nobody' }));
  t.match(fields, { code: 'XPS_ERR_POLICY', reason: 'dial_failed', detail: 'tcp://x: nobody', action: /look whether something listens/ });
  t.match(errorFields(new TypeError('boom')), { reason: 'internal_error', detail: /boom/ });
  t.end();
});
