// The openssl command: an independent judge of what the development CA makes, and a maker of what it did not.
import { execFile, spawnSync } from 'node:child_process';

export interface OpensslResult {
  readonly status: number | null;
  /** Standard output, then standard error. */
  readonly output: string;
}

/** Runs `openssl ARGS`; `cwd` keeps file names short. */
export function openssl(args: readonly string[], options: { readonly cwd?: string; readonly input?: string } = {}): OpensslResult {
  const { status, stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8', timeout: 20_000, ...options });
  return { status, output: `${stdout ?? ''}${stderr ?? ''}` };
}

/** The same without stopping this process, which may be the one that openssl talks to. */
export async function opensslAsync(args: readonly string[], options: { readonly cwd?: string } = {}): Promise<OpensslResult> {
  return new Promise((resolve) => {
    const child = execFile('openssl', [...args], { timeout: 20_000, ...options }, (_, stdout, stderr) => {
      resolve({ status: child.exitCode, output: `${stdout}${stderr}` });
    });
  });
}

/** For tap's options: `{ skip: withoutOpenssl }`. */
export const withoutOpenssl: string | false = openssl(['version']).status === 0 ? false : 'openssl is not installed';
