import { writeFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import type { Authority } from '../../../certs/ca/authority.ts';
import { XpsError } from '../../../base/errors.ts';
import { readInput } from '../input-file.ts';
import { countOption, jsonOption } from '../options.ts';
import { examples, print, printJson } from '../output.ts';
import { untilSignal } from '../until-signal.ts';
import { folderOption, type FolderOptions } from './folder-option.ts';

interface AnswerOptions extends FolderOptions {
  readonly responder?: string;
  readonly hours?: number;
}

interface OcspOptions extends AnswerOptions {
  readonly request?: string;
  readonly out?: string;
}

interface ResponderOptions extends AnswerOptions {
  readonly port: number;
}

export function registerOcsp(pki: Command): void {
  pki
    .command('ocsp')
    .description('write an OCSP answer: about a certificate, or to a request')
    .argument('[name]', 'name or serial number')
    .addOption(folderOption())
    .option('--request <file>', 'answer this request (DER) instead')
    .option('--out <file>', 'where to write it, DER (default: NAME.ocsp beside the certificate)')
    .addOption(responderOption())
    .addOption(hoursOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(
        ['an answer that can be stapled', 'xpscerpto pki ocsp orders'],
        ['look at it', 'openssl ocsp -respin pki/issued/orders.ocsp -text -noverify'],
        ['answer a request that came by other means', 'xpscerpto pki ocsp --request request.der --out answer.der'],
      ),
    )
    .action(ocsp);

  pki
    .command('ocsp-responder')
    .description('answer OCSP requests over HTTP on 127.0.0.1 until it is stopped')
    .addOption(folderOption())
    .addOption(countOption('--port <n>', 'port; 0: any that is free', { min: 0, max: 65_535 }).default(2560))
    .addOption(responderOption())
    .addOption(hoursOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nCertificates name it when the CA was made with --ocsp-url. A revocation counts from the next answer on.\n' +
        examples(
          ['the CA itself answers', 'xpscerpto pki ocsp-responder'],
          ['a certificate for answering', 'xpscerpto pki issue --name responder --purpose ocsp --days 7'],
          ['and its use', 'xpscerpto pki ocsp-responder --responder responder --port 8080'],
        ),
    )
    .action(serve);
}

function responderOption(): Option {
  return new Option('--responder <name>', 'sign with this certificate (issued with --purpose ocsp), not with the CA');
}

function hoursOption(): Option {
  return countOption('--hours <n>', 'how long an answer is good for', { min: 1, max: 24 * 365 }).default(24);
}

async function ocsp(name: string | undefined, options: OcspOptions): Promise<void> {
  if ((name === undefined) === (options.request === undefined)) {
    throw new XpsError('usage_invalid', { detail: 'pki ocsp takes either a name or --request' });
  }
  const authority = await open(options);
  const answers = await authority.ocsp(answerOptions(options));
  let answer: Uint8Array;
  let file: string;
  if (name === undefined) {
    answer = await answers.answer(await readInput(options.request as string));
    file = options.out ?? `${options.request}.answer`;
  } else {
    const record = await authority.find(name);
    answer = answers.answerFor(record);
    file = options.out ?? authority.path(record.file.replace(/\.pem$/, '.ocsp'));
  }
  await writeFile(file, answer);
  if (options.json === true) return printJson({ file });
  print(`${file}: ${answer.length} bytes of DER, good for ${options.hours} hours`);
}

async function serve(options: ResponderOptions): Promise<void> {
  const [authority, { startOcspResponder }] = [await open(options), await import('../../../certs/ca/ocsp-responder.ts')];
  await using responder = await startOcspResponder(await authority.ocsp(answerOptions(options)), options.port);
  const url = `http://127.0.0.1:${responder.port}`;
  if (options.json === true) print(JSON.stringify({ url }));
  else print(`${authority.name}: answering at ${url}; stop with Ctrl-C`);
  await untilSignal();
}

async function open({ dir }: FolderOptions): Promise<Authority> {
  const { Authority } = await import('../../../certs/ca/authority.ts');
  return Authority.open(dir);
}

function answerOptions({ responder, hours }: AnswerOptions): { responder?: string; hours?: number } {
  return { ...(responder !== undefined && { responder }), ...(hours !== undefined && { hours }) };
}
