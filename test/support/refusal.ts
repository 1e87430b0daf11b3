import type { Reason } from '../../base/reasons.ts';

/** For `t.throws` and `t.rejects`: an XpsError with this reason, whose detail matches. */
export function refusal(reason: Reason, detail: RegExp = /(?:)/): { readonly name: string; readonly reason: Reason; readonly detail: RegExp } {
  return { name: 'XpsError', reason, detail };
}
