import { Option, type Command } from 'commander';
import { XpsError } from '../../base/errors.ts';
import { loadConfig } from '../config/config.ts';
import { readEnvironment } from '../config/environment.ts';
import { formatProblem } from '../config/problem.ts';
import type { Config, TunnelConfig } from '../config/schema.ts';
import { nearest } from '../config/suggest.ts';
import type { Check } from '../doctor/check.ts';
import { escapeText } from '../escape.ts';
import { jsonOption } from './options.ts';
import { demand, examples, EXIT, note, print, printJson, styled } from './output.ts';

interface DoctorOptions {
  readonly config?: string;
  readonly json?: true;
}

export function register(program: Command): void {
  program
    .command('doctor')
    .description(
      'Look at one tunnel from its configuration to a real handshake with its peer, and say which check fails and what to do.\n' +
        'Changes nothing; may run beside the sidecar. Ends with 1 when a check fails.',
    )
    .argument('[tunnel]', 'name of the tunnel; may be left out when there is only one')
    .addOption(new Option('-c, --config <file>', 'the configuration (needed)'))
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(
        ['why does nothing arrive?', 'xpscerpto doctor orders -c sidecar.yaml'],
        ['for a pipeline', 'xpscerpto doctor orders -c sidecar.yaml --json'],
      ),
    )
    .action(doctor);
}

async function doctor(name: string | undefined, options: DoctorOptions): Promise<void> {
  const file = demand(options.config, '--config');
  const environment = readEnvironment();
  const { config, problems } = loadConfig(file);
  for (const problem of problems) note(formatProblem(problem));
  if (config === undefined) throw new XpsError('config_invalid', { detail: file });
  const tunnel = tunnelNamed(config, name);

  const { diagnose } = await import('../doctor/doctor.ts');
  const checks: Check[] = [];
  if (options.json !== true) print(`${styled('bold', tunnel.name)} (${tunnel.role}) of ${file}`);
  for await (const check of diagnose(config, tunnel, environment)) {
    checks.push(check);
    if (options.json !== true) print(checkText(check));
  }
  const failures = checks.filter(({ outcome }) => outcome === 'failed').length;
  if (options.json === true) printJson({ tunnel: tunnel.name, healthy: failures === 0, checks });
  else print(failures === 0 ? 'No check failed.' : `${failures} ${failures === 1 ? 'check' : 'checks'} failed.`);
  if (failures > 0) process.exitCode = EXIT.failure;
}

function tunnelNamed({ tunnels }: Config, name: string | undefined): TunnelConfig {
  const names = tunnels.map((tunnel) => tunnel.name);
  const found = name === undefined && tunnels.length === 1 ? tunnels[0] : tunnels.find((tunnel) => tunnel.name === name);
  if (found !== undefined) return found;
  if (name === undefined) throw new XpsError('usage_invalid', { detail: `name one of the tunnels: ${names.join(', ')}` });
  const meant = nearest(name, names);
  throw new XpsError('usage_invalid', { detail: `there is no tunnel "${name}"; ${meant === undefined ? `there are ${names.join(', ')}` : `did you mean ${meant}?`}` });
}

function checkText({ name, outcome, found, todo }: Check): string {
  const marks = { ok: styled('green', '✓'), warning: styled('yellow', '!'), failed: styled('red', '✗'), skipped: styled('dim', '·') };
  const line = `  ${marks[outcome]} ${name.padEnd(19)} ${escapeText(found)}`;
  return todo === undefined ? line : `${line}\n    ${styled('bold', 'what to do')}: ${escapeText(todo)}`;
}
