import { REASONS, type Reason } from './reasons.ts';

/** The six classes every failure belongs to; users and dashboards filter on them. */
export type ErrorClass =
  | 'XPS_ERR_AUTH'
  | 'XPS_ERR_KEY'
  | 'XPS_ERR_NONCE'
  | 'XPS_ERR_POLICY'
  | 'XPS_ERR_UPDATE'
  | 'XPS_ERR_INTERNAL';

export interface ErrorOptions {
  /** What was expected, what came, where. Never a secret, never unescaped text from a peer. */
  readonly detail?: string;
  readonly cause?: unknown;
}

/**
 * The one error type of the product. `reason` is stable and has a heading in
 * docs/OPERATIONS.md; `code` is the class of that reason; `hint` says what to do.
 */
export class XpsError extends Error {
  override readonly name = 'XpsError';
  readonly code: ErrorClass;
  readonly reason: Reason;
  readonly detail: string;

  constructor(reason: Reason, options: ErrorOptions = {}) {
    const entry = REASONS[reason];
    const detail = options.detail ?? '';
    super(
      `${entry.class} ${reason}: ${entry.summary}${detail === '' ? '' : ` (${detail})`}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = entry.class;
    this.reason = reason;
    this.detail = detail;
  }

  get hint(): string {
    return REASONS[this.reason].action;
  }
}

/** Turns whatever was thrown into an XpsError, keeping the original as its cause. */
export function toXpsError(thrown: unknown, fallback: Reason = 'internal_error'): XpsError {
  if (thrown instanceof XpsError) return thrown;
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  return new XpsError(fallback, { detail, cause: thrown });
}
