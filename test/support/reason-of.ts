import { XpsError } from '../../base/errors.ts';

/** The reason for which `action` fails; undefined if it does not. Anything else that is thrown is a bug of the test. */
export function reasonOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof XpsError) return thrown.reason;
    throw thrown;
  }
}
