// The command line. A command's file is imported only when it is asked for: starting must stay quick.
import { existsSync, readFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { errorLine, examples, exitCodeOf, isHelp, note } from './output.ts';

interface CommandEntry {
  readonly name: string;
  /** One line of `xpscerpto --help`. */
  readonly summary: string;
  /** The file exports `register`, which adds the command with its options, help and action. */
  readonly load: () => Promise<{ register(program: Command): void }>;
}

/** In the order of the help text. */
const COMMANDS: readonly CommandEntry[] = [
  { name: 'demo', summary: 'a working pair of sidecars on this machine', load: () => import('./demo.ts') },
  { name: 'run', summary: 'run the tunnels of a configuration', load: () => import('./run.ts') },
  { name: 'check', summary: 'validate a configuration without serving', load: () => import('./check.ts') },
  { name: 'doctor', summary: 'say what is wrong with a tunnel', load: () => import('./doctor.ts') },
  { name: 'pki', summary: 'a certificate authority for development and tests', load: () => import('./pki.ts') },
  { name: 'verify', summary: 'judge a certificate as a tunnel would', load: () => import('./verify.ts') },
  { name: 'engines', summary: 'what does the cryptography on this machine', load: () => import('./engines.ts') },
  { name: 'bench', summary: 'measure this machine, side by side with others', load: () => import('./bench.ts') },
  { name: 'explain', summary: 'what an error means and what to do', load: () => import('./explain.ts') },
];

// In a checkout types are stripped once instead of with every start: half the time and 30 MB less memory. The folder
// belongs to whoever installed the packages; where it cannot be written there is no cache.
enableCompileCache(join(packageFolder(), 'node_modules', '.cache', 'xpscerpto'));

await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<void> {
  // A reader that closes the pipe early, as `head` does, is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  const program = newProgram();
  try {
    await addCommands(program, argv.find((word) => !word.startsWith('-')));
    await program.parseAsync(argv, { from: 'user' });
  } catch (thrown) {
    if (!isHelp(thrown)) note(errorLine(thrown, helpOf(program, argv)));
    process.exitCode = exitCodeOf(thrown);
  }
}

function newProgram(): Command {
  return new Command('xpscerpto')
    .description('A sidecar proxy that gives services mutually authenticated, encrypted channels.')
    .usage('<command> [options]')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .addHelpText(
      'after',
      examples(
        ['make a certificate authority for development', 'xpscerpto pki init --dir pki --name "Example CA"'],
        ['what a command can do', 'xpscerpto pki issue --help'],
      ),
    );
}

/** The command that was asked for as it is; of the others only what the list and suggestions need. */
async function addCommands(program: Command, asked: string | undefined): Promise<void> {
  // `help NAME` prints the help of NAME.
  const wanted = asked === 'help' ? process.argv[process.argv.indexOf('help') + 1] : asked;
  for (const { name, summary, load } of COMMANDS) {
    if (name === wanted) (await load()).register(program);
    else program.command(name).description(summary);
  }
}

/** The command whose help a person needs who got this command line wrong. */
function helpOf(program: Command, argv: readonly string[]): string {
  let command = program;
  const words = ['xpscerpto'];
  for (const word of argv) {
    const next = command.commands.find((sub) => sub.name() === word);
    if (next === undefined) break;
    command = next;
    words.push(word);
  }
  return `${words.join(' ')} --help`;
}

function packageVersion(): string {
  return (JSON.parse(readFileSync(join(packageFolder(), 'package.json'), 'utf8')) as { version: string }).version;
}

/** The nearest folder above with a package.json: sources and build have it at different distances. */
function packageFolder(): string {
  let folder = dirname(import.meta.dirname);
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}
