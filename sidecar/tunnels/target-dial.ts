import { XpsError } from '../../base/errors.ts';
import type { Address } from '../config/schema.ts';
import { dial } from '../transports/dial.ts';
import type { DialOptions, Transport } from '../transports/transport.ts';
import type { Targets } from './targets.ts';

/** The first target of `targets` that can be connected to. Rejects with the error of the last one. */
export async function dialFirst<T extends Address>(
  targets: Targets<T>,
  options: DialOptions,
  nowMs: () => number,
): Promise<{ readonly transport: Transport; readonly target: T }> {
  let last = new XpsError('dial_failed', { detail: 'there is no target' });
  for (const target of targets.inOrder(nowMs())) {
    try {
      return { transport: await dial(target, options), target };
    } catch (thrown) {
      last = thrown as XpsError;
      if (options.signal?.aborted === true) break;
      targets.failed(target, nowMs());
    }
  }
  throw last;
}
