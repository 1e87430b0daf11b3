import type { Command } from 'commander';
import { loadAddon, type NativeReport } from '../../engines/native-addon.ts';
import { AEAD_ALGORITHMS, GROUPS } from '../../engines/policy.ts';
import { createCrypto, type EngineRegistry } from '../../engines/registry.ts';
import { readEnvironment } from '../config/environment.ts';
import { jsonOption } from './options.ts';
import { examples, note, print, printJson, styled, table } from './output.ts';

export function register(program: Command): void {
  program
    .command('engines')
    .summary('what does the cryptography on this machine')
    .description(
      'Opens the engines as a sidecar would, runs their known-answer tests, and shows which one answers for what, the kernels of the\n' +
        'native engine with their measurements, and the winner for each size of record.',
    )
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(
        ['this machine as it is', 'xpscerpto engines'],
        ['without the native addon', 'XPS_ENGINE=openssl xpscerpto engines'],
        ['as on a processor without AVX-512', 'XPS_SIMD_ISA_MASK=aesni,pclmul,avx2 xpscerpto engines'],
      ),
    )
    .action((options: { readonly json?: boolean }) => {
      const report = reportOf();
      if (options.json === true) printJson(report);
      else show(report);
    });
}

interface Route {
  readonly algorithm: string;
  readonly engine: string | undefined;
}

interface EnginesReport {
  readonly engines: readonly string[];
  readonly routes: readonly Route[];
  readonly selfTests: EngineRegistry['selfTestResults'];
  readonly native: NativeReport | { readonly absent: string };
}

function reportOf(): EnginesReport {
  const { engine, simdIsaMask } = readEnvironment();
  const crypto = createCrypto({
    engine, forbid: [], onWarning: note,
    ...(simdIsaMask === undefined ? {} : { isaMask: simdIsaMask }),
  });
  const loaded = loadAddon(simdIsaMask);
  return {
    engines: crypto.engines.map(({ name }) => name),
    routes: [...AEAD_ALGORITHMS, ...GROUPS, ...crypto.signature.algorithms].map((algorithm) => ({ algorithm, engine: crypto.providerOf(algorithm) })),
    selfTests: crypto.selfTestResults,
    native: loaded.addon === undefined ? { absent: loaded.reason } : loaded.addon.report(),
  };
}

function show({ engines, routes, selfTests, native }: EnginesReport): void {
  print(`${styled('bold', 'Engines')}, in order of preference: ${engines.join(', ')}\n`);
  print(table(routes.map(({ algorithm, engine }) => [`  ${algorithm}`, engine ?? 'nobody'])));
  print(`\n${styled('bold', 'Known-answer tests')}: ${selfTests.length} passed\n`);
  if ('absent' in native) {
    print(`${styled('bold', 'Native addon')}: ${native.absent}`);
    return;
  }
  print(`${styled('bold', 'Processor')}: ${native.cpu.join(' ')}${native.allowed.length < native.cpu.length ? ` (allowed: ${native.allowed.join(' ')})` : ''}\n`);
  print(table([
    ['  kernel', 'operation', 'verdict', 'constant time', ...native.buckets.map((size) => `${size} B`)],
    ...native.kernels.map((kernel) => [
      `  ${kernel.name}`, kernel.operation, kernel.verdict, kernel.isConstantTime ? 'yes' : 'no',
      ...kernel.nanoseconds.map((ns) => (ns === 0 ? '-' : `${ns.toFixed(0)} ns`)),
    ]),
  ]));
  print('');
  for (const [operation, winners] of Object.entries(native.winners)) {
    print(`  ${operation}: ${winners.map((winner, at) => `up to ${native.buckets[at] ?? '?'} B ${winner}`).join(' · ')}`);
  }
}
