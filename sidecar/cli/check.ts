import type { Command } from 'commander';
import { XpsError } from '../../base/errors.ts';
import { loadConfig } from '../config/config.ts';
import { readEnvironment } from '../config/environment.ts';
import { formatProblem, hasErrors } from '../config/problem.ts';
import { jsonOption } from './options.ts';
import { examples, note, print, printJson } from './output.ts';

export function register(program: Command): void {
  program
    .command('check')
    .description('Validate a configuration and the files it names, without serving.')
    .requiredOption('-c, --config <file>', 'the configuration')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `${examples(
        ['each mistake as file:line:column', 'xpscerpto check -c sidecar.yaml'],
        ['the same for an editor or a pipeline', 'xpscerpto check -c sidecar.yaml --json'],
      )}
Ends with 1 when there is an error. Warnings alone are no error.
`,
    )
    .action((options: { config: string; json?: true }) => check(options.config, options.json === true));
}

function check(file: string, isJson: boolean): void {
  readEnvironment();
  const { problems, config } = loadConfig(file);
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  if (isJson) {
    printJson({ valid: !hasErrors(problems), problems });
    process.exitCode = errors === 0 ? 0 : 1;
    return;
  }
  for (const problem of problems) note(formatProblem(problem));
  if (config === undefined) {
    throw new XpsError('config_invalid', { detail: `${errors} ${errors === 1 ? 'mistake' : 'mistakes'} in ${file}` });
  }
  print(`${file} is valid: ${config.tunnels.map(({ name, role }) => `${name} (${role})`).join(', ')}`);
}
