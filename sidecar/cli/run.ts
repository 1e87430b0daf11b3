import type { Command } from 'commander';
import { toXpsError, XpsError } from '../../base/errors.ts';
import { loadConfig } from '../config/config.ts';
import { readEnvironment } from '../config/environment.ts';
import { formatProblem } from '../config/problem.ts';
import type { Config } from '../config/schema.ts';
import { errorFields, openLog, type Log } from '../log.ts';
import { startSidecar, type Sidecar } from '../sidecar.ts';
import { examples, note } from './output.ts';

export function register(program: Command): void {
  program
    .command('run')
    .description('Run the tunnels of a configuration until SIGTERM or SIGINT.')
    .requiredOption('-c, --config <file>', 'the configuration')
    .addHelpText(
      'after',
      `${examples(
        ['run the sidecar', 'xpscerpto run -c sidecar.yaml'],
        ['look at the configuration first', 'xpscerpto check -c sidecar.yaml'],
        ['read certificates, bundles and CRLs again now', 'kill -HUP PID'],
      )}
SIGTERM and SIGINT stop accepting and let connections finish for timeouts.drain; a second one ends at once.
`,
    )
    .action(({ config }: { config: string }) => run(config));
}

async function run(file: string): Promise<void> {
  const environment = readEnvironment();
  const config = readConfig(file);
  const log = openLog(config.log);
  const sidecar = await startSidecar(config, { environment, log });
  await untilSignal(sidecar, log);
  log.flush();
}

/** Every mistake on a line of its own, then one error. */
function readConfig(file: string): Config {
  const { config, problems } = loadConfig(file);
  for (const problem of problems) note(formatProblem(problem));
  if (config !== undefined) return config;
  const count = problems.filter(({ severity }) => severity === 'error').length;
  throw new XpsError('config_invalid', { detail: `${count} ${count === 1 ? 'mistake' : 'mistakes'} in ${file}` });
}

function untilSignal(sidecar: Sidecar, log: Log): Promise<void> {
  return new Promise((resolve) => {
    let isClosing = false;
    const stop = (signal: NodeJS.Signals): void => {
      if (isClosing) {
        log.warn('ended by a second signal', { signal });
        log.flush();
        process.exit(1);
      }
      isClosing = true;
      log.info('draining', { signal });
      sidecar.close().then(() => {
        log.info('ended');
        resolve();
      }, (thrown: unknown) => {
        log.error('draining failed', errorFields(thrown));
        process.exitCode = 1;
        resolve();
      });
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
    process.on('SIGHUP', () => {
      sidecar.reload().catch((thrown: unknown) => log.error('reload failed; what was in use stays in use', errorFields(toXpsError(thrown))));
    });
  });
}
