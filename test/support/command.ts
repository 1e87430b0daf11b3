// Runs bin/xpscerpto as a person would: a process of its own.
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

export const COMMAND: string = resolve(import.meta.dirname, '../../bin/xpscerpto');

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
}

/** Never rejects; a run that takes longer than 60 s is ended and has no code. */
export async function xpscerpto(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const child = spawn(COMMAND, args, { cwd: options.cwd, env: { ...process.env, ...options.env }, timeout: 60_000, stdio: 'pipe' });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // A command that ends without reading everything closes the pipe.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input);
  return new Promise((done) => {
    child.on('close', (code) => done({ code, stdout, stderr }));
  });
}
