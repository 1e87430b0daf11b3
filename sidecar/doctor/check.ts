import { toXpsError, type XpsError } from '../../base/errors.ts';
import { REASONS } from '../../base/reasons.ts';

/** One thing that was looked at. `skipped`: something before it failed, or it cannot be seen from here. */
export interface Check {
  readonly name: string;
  readonly outcome: 'ok' | 'warning' | 'failed' | 'skipped';
  /** What was found; escaped by whoever prints it. */
  readonly found: string;
  /** For warnings and failures. */
  readonly todo?: string;
}

export function ok(name: string, found: string): Check {
  return { name, outcome: 'ok', found };
}

export function warning(name: string, found: string, todo: string): Check {
  return { name, outcome: 'warning', found, todo };
}

export function skipped(name: string, found: string): Check {
  return { name, outcome: 'skipped', found };
}

/** A failure in the words of its reason. */
export function failed(name: string, thrown: unknown): Check {
  const error: XpsError = toXpsError(thrown);
  const { summary, action } = REASONS[error.reason];
  return { name, outcome: 'failed', found: `${summary}${error.detail === '' ? '' : ` (${error.detail})`} [${error.reason}]`, todo: action };
}
