import { type Command, Option } from 'commander';
import { countOption, jsonOption } from './options.ts';
import { examples, note, print, printJson } from './output.ts';

interface Options {
  readonly json?: boolean;
  readonly rounds: number;
}

/** Measurements are loaded only when they are asked for: they bring the whole product with them. */
export function register(program: Command): void {
  const bench = program
    .command('bench')
    .summary('measure this machine, side by side with others')
    .description(
      'Measures on this machine. Everything that is compared runs interleaved in one run, and figures are medians over the rounds:\n' +
        'compare within one run only, machines and their neighbours differ from one hour to the next.',
    )
    .usage('<measurement> [options]')
    .addHelpText(
      'after',
      examples(
        ['record encryption: every engine beside OpenSSL', 'xpscerpto bench aead'],
        ['CPU time of full handshakes, both sides together', 'xpscerpto bench handshake --json'],
        ['a pair of sidecars beside pairs of other proxies', 'xpscerpto bench pair --only XPScerpto,stunnel'],
      ),
    );
  registerAead(bench);
  registerHandshake(bench);
  registerPair(bench);
}

function registerAead(bench: Command): void {
  measurement(bench, 'aead', 'record encryption of every engine, beside OpenSSL')
    .addHelpText('after', examples(['as a table', 'xpscerpto bench aead'], ['for programs, three rounds', 'xpscerpto bench aead --rounds 3 --json']))
    .action(async ({ rounds, json }: Options) => {
      const { describeAead, measureAead } = await import('../../bench/aead.ts');
      const result = measureAead({ rounds, onProgress: note });
      show(json, result, describeAead(result));
    });
}

function registerHandshake(bench: Command): void {
  measurement(bench, 'handshake', 'CPU time of full mutual handshakes, both sides together')
    .addHelpText('after', examples(['as a table', 'xpscerpto bench handshake'], ['for programs, three rounds', 'xpscerpto bench handshake --rounds 3 --json']))
    .action(async ({ rounds, json }: Options) => {
      const { describeHandshakes, measureHandshakes } = await import('../../bench/handshake.ts');
      const result = await measureHandshakes({ rounds, onProgress: note });
      show(json, result, describeHandshakes(result));
    });
}

function registerPair(bench: Command): void {
  measurement(bench, 'pair', 'a pair of sidecars beside pairs of HAProxy, nginx, stunnel and ghostunnel')
    .addOption(new Option('--only <names>', 'names of pairs, separated by commas; default: all that are installed').argParser((text: string) => text.split(',')))
    .addHelpText('after', examples(['every proxy that is installed', 'xpscerpto bench pair'], ['two of them, quickly', 'xpscerpto bench pair --only "XPScerpto,HAProxy plaintext" --rounds 1']))
    .action(async ({ rounds, json, only }: Options & { readonly only?: readonly string[] }) => {
      const { describePairs, measurePair } = await import('../../bench/pair.ts');
      const result = await measurePair({ rounds, onProgress: note, ...(only === undefined ? {} : { only }) });
      show(json, result, describePairs(result));
    });
}

function measurement(bench: Command, name: string, summary: string): Command {
  return bench
    .command(name)
    .summary(summary)
    .description(`Measures ${summary}.`)
    .addOption(countOption('--rounds <number>', 'interleaved rounds; figures are their medians', { min: 1, max: 100 }).default(5))
    .addOption(jsonOption());
}

function show(json: boolean | undefined, result: unknown, text: string): void {
  if (json === true) printJson(result);
  else print(text);
}
