import t from 'tap';
import { xpscerpto } from '../support/command.ts';

/** The names under `Commands:` of a help text. */
function commandsIn(help: string): readonly string[] {
  const section = help.split('\nCommands:\n')[1]?.split('\n\n')[0] ?? '';
  return [...section.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map((match) => match[1] as string).filter((name) => name !== 'help');
}

async function helpOf(words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await xpscerpto([...words, '--help']);
  t.equal(code, 0, `${words.join(' ')} --help`);
  t.equal(stderr, '');
  return stdout;
}

const top = await helpOf([]);
const commands = commandsIn(top).map((name) => [name]);
const groups = commands.filter(([name]) => name === 'pki' || name === 'bench');

t.test('the list of commands is complete enough to start with', async (t) => {
  t.ok(['pki', 'verify', 'run', 'check', 'demo'].every((name) => commands.some(([command]) => command === name)), top);
});

for (const group of groups) {
  const below = commandsIn(await helpOf(group));
  t.ok(below.length > 1, `${group.join(' ')} has commands of its own`);
  for (const name of below) commands.push([...group, name]);
}

for (const words of commands) {
  t.test(`xpscerpto ${words.join(' ')} --help teaches`, async (t) => {
    const help = await helpOf(words);
    t.match(help, new RegExp(`^Usage: xpscerpto ${words.join(' ')} `));
    t.match(help, /\n\nExamples:\n/);
    const lines = [...help.matchAll(/^ {2}\$ (.+)$/gm)].map((match) => match[1] as string);
    t.ok(lines.length >= 2, 'at least two lines to type');
    t.ok(lines.some((line) => line.startsWith(`xpscerpto ${words.join(' ')}`)), 'one of them is this command');
    const undescribed = help.split('\nOptions:\n')[1]?.split('\n\n')[0]?.split('\n').filter((line) => /^ {2}-/.test(line) && !/ {2}\S/.test(line.slice(3)));
    t.same(undescribed, [], 'every option says what it is for');
  });
}

t.test('every way to ask for help gives the same', async (t) => {
  const expected = await helpOf(['pki', 'issue']);
  for (const words of [['pki', 'issue', '-h'], ['pki', 'help', 'issue']]) {
    const { code, stdout } = await xpscerpto(words);
    t.equal(code, 0, words.join(' '));
    t.equal(stdout, expected);
  }
  t.equal((await xpscerpto(['help', 'pki'])).stdout, await helpOf(['pki']));
});

t.test('no command is a mistake, and the help says what could be meant', async (t) => {
  for (const words of [[], ['pki']]) {
    const { code, stdout, stderr } = await xpscerpto(words);
    t.equal(code, 2);
    t.equal(stdout, '');
    t.match(stderr, /^Usage: xpscerpto/);
  }
});

t.test('the version is the one of the package', async (t) => {
  const { readFileSync } = await import('node:fs');
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  t.same(await xpscerpto(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' });
});
