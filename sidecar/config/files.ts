// Whether the files that a configuration names are there and can be read.
import { accessSync, constants, statSync } from 'node:fs';
import type { Path } from './document.ts';
import type { Reporter } from './mistakes.ts';
import type { Config } from './schema.ts';

export function checkFiles(config: Config, reporter: Reporter): void {
  // An agent's socket may appear later: it is asked again and again.
  if (config.identity !== undefined && 'certFile' in config.identity) {
    checkFile(['identity', 'cert'], config.identity.certFile, reporter);
    checkKeyFile(['identity', 'key'], config.identity.keyFile, reporter);
  }
  config.trust.bundles.forEach(({ file }, index) => checkFile(['trust', 'bundles', index, 'file'], file, reporter));
  config.trust.revocation.crl.forEach((file, index) =>
    checkFile(['trust', 'revocation', 'crl', index], file, reporter, { mayBeFolder: true }),
  );
  if (config.meshKeyFile !== undefined) checkKeyFile(['mesh_key', 'file'], config.meshKeyFile, reporter);
  config.tunnels.forEach((tunnel, index) => {
    const path = ['tunnels', index, 'tls'];
    if (tunnel.role === 'server' && tunnel.tls !== undefined) {
      checkFile([...path, 'cert'], tunnel.tls.certFile, reporter);
      checkKeyFile([...path, 'key'], tunnel.tls.keyFile, reporter);
    }
    if (tunnel.role === 'client' && tunnel.tls?.caFile !== undefined) checkFile([...path, 'ca'], tunnel.tls.caFile, reporter);
  });
}

function checkFile(path: Path, file: string, reporter: Reporter, { mayBeFolder = false } = {}): boolean {
  const mistake = unreadable(file, mayBeFolder);
  if (mistake !== undefined) reporter.error(path, `${file} ${mistake}`, { expected: mayBeFolder ? 'a readable file or folder' : 'a readable file' });
  return mistake === undefined;
}

function checkKeyFile(path: Path, file: string, reporter: Reporter): void {
  if (!checkFile(path, file, reporter)) return;
  const mode = statSync(file).mode & 0o777;
  if ((mode & 0o077) === 0) return;
  const who = (mode & 0o007) === 0 ? 'its group' : 'everybody on this machine';
  reporter.warning(path, `${file} holds a secret and its mode ${mode.toString(8).padStart(4, '0')} opens it to ${who}`, {
    suggestion: 'run: chmod 600 FILE (Kubernetes: defaultMode: 0400)',
  });
}

function unreadable(file: string, mayBeFolder: boolean): string | undefined {
  try {
    const found = statSync(file);
    if (found.isDirectory() ? !mayBeFolder : !found.isFile()) return found.isDirectory() ? 'is a folder' : 'is not a file';
    accessSync(file, found.isDirectory() ? constants.R_OK | constants.X_OK : constants.R_OK);
    return undefined;
  } catch (thrown) {
    switch ((thrown as NodeJS.ErrnoException).code) {
      case 'ENOENT':
        return 'does not exist';
      case 'EACCES':
        return 'may not be read by this user';
      default:
        return `cannot be read: ${(thrown as Error).message}`;
    }
  }
}
