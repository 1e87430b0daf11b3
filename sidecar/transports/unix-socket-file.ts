import { lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { XpsError } from '../../base/errors.ts';

const PROBE_MS = 1000;

/**
 * Makes room for a listener: a socket file that a killed process left behind is removed, one that somebody
 * listens on, or a file of another kind, is an error.
 */
export async function clearStaleSocket(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new XpsError('listen_failed', { detail: `unix:${path}: a file of another kind has this name` });
  if (await isServed(path)) throw new XpsError('listen_failed', { detail: `unix:${path}: another process listens there` });
  try {
    unlinkSync(path);
  } catch (thrown) {
    throw new XpsError('listen_failed', { detail: `unix:${path}: the stale socket cannot be removed: ${(thrown as Error).message}`, cause: thrown });
  }
}

/** Only a refused connection proves that nobody listens; a full backlog or missing rights do not. */
function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    const finish = (isServedNow: boolean): void => {
      probe.destroy();
      resolve(isServedNow);
    };
    probe.setTimeout(PROBE_MS, () => finish(true));
    probe.once('connect', () => finish(true));
    probe.once('error', (error: NodeJS.ErrnoException) => finish(error.code !== 'ECONNREFUSED'));
  });
}
