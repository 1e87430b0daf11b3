import { join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { XpsError } from '../../base/errors.ts';
import { type DemoFiles, type DemoPorts, writeDemoFiles } from '../demo/demo-files.ts';
import { choosePorts, USUAL_PORTS } from '../demo/demo-ports.ts';
import { DemoSidecar } from '../demo/demo-process.ts';
import { startDemoService } from '../demo/demo-service.ts';
import { examples, print, styled, table } from './output.ts';

export function register(program: Command): void {
  program
    .command('demo')
    .summary('a working pair of sidecars on this machine')
    .description(
      'Starts everything on localhost: a CA made on the spot, a service that speaks plain HTTP, one sidecar beside it and one beside\n' +
        'its clients. Ctrl-C stops it all. The folder keeps the configurations, to read and to copy.',
    )
    .option('--dir <folder>', 'where to put CA, configurations and logs; made anew at each start', '.demo')
    .addHelpText(
      'after',
      examples(
        ['start it, then follow what it prints', 'xpscerpto demo'],
        ['in another terminal: through both sidecars', `curl http://127.0.0.1:${USUAL_PORTS.application}/`],
      ),
    )
    .action((options: { readonly dir: string }) => demo(resolve(options.dir)));
}

async function demo(dir: string): Promise<void> {
  const stopped = firstSignal();
  const ports = await choosePorts();
  const files = await writeDemoFiles(dir, ports);
  const service = await startDemoService(ports.service);
  const command = [process.execPath, ...process.execArgv, process.argv[1] as string] as const;
  const server = new DemoSidecar('server', command, files.serverConfig, join(dir, 'server.log'));
  const client = new DemoSidecar('client', command, files.clientConfig, join(dir, 'client.log'));
  try {
    await Promise.all([server.ready(ports.serverAdmin), client.ready(ports.clientAdmin)]);
    await requireAnswer(ports);
    print(introduction(files, ports));
    await Promise.race([stopped, client.ended(), server.ended()]);
    for (const sidecar of [client, server]) {
      if (!sidecar.isRunning) throw new XpsError('demo_failed', { detail: `the ${sidecar.name} sidecar stopped; see ${sidecar.logFile}` });
    }
  } finally {
    await Promise.all([client.stop(), server.stop()]);
    service.close();
    service.closeAllConnections();
  }
  print('Stopped.');
}

/** The demo says that it works only after it did. */
async function requireAnswer(ports: DemoPorts): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${ports.application}/`);
  const text = await response.text();
  if (!response.ok || !text.startsWith('Hello')) throw new XpsError('demo_failed', { detail: `the service answered ${response.status} through the channel` });
}

function introduction(files: DemoFiles, ports: DemoPorts): string {
  const here = (path: string): string => (relative('', path).startsWith('..') ? path : relative('', path));
  const application = `http://127.0.0.1:${ports.application}/`;
  return [
    styled('bold', 'The demo is running; a first request went through both sidecars.'),
    '',
    table([
      ['  application side', `127.0.0.1:${ports.application}`, 'plaintext in: connect your client here'],
      ['  client sidecar', `status http://127.0.0.1:${ports.clientAdmin}/`, here(files.clientConfig)],
      ['  channel', `127.0.0.1:${ports.channel}`, 'encrypted, both sides authenticated'],
      ['  server sidecar', `status http://127.0.0.1:${ports.serverAdmin}/`, here(files.serverConfig)],
      ['  demo service', `127.0.0.1:${ports.service}`, 'plain HTTP, knows nothing of all this'],
    ]),
    '',
    styled('bold', 'Try, in another terminal:'),
    '',
    `  curl ${application}`,
    `  curl ${application}echo --data 'any bytes'`,
    `  curl http://127.0.0.1:${ports.clientAdmin}/status`,
    `  bin/xpscerpto pki revoke client --dir ${here(files.pkiDir)} && sleep 2; curl ${application}`,
    '',
    `The last one revokes the client's certificate: its channels end, and nothing gets through any more. ${here(files.dir)}/server.log says why.`,
    'Ctrl-C stops everything.',
  ].join('\n');
}

async function firstSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}
