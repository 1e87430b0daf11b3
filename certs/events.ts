import type { XpsError } from '../base/errors.ts';

/** What happened to trust and identities, for the log. `what` is stable; text in `detail` is printable. */
export interface CertsEvent {
  readonly level: 'info' | 'warn' | 'error';
  readonly what:
    | 'bundles_loaded'
    | 'crls_loaded'
    | 'crl_fetched'
    | 'crl_stale'
    | 'ocsp_answered'
    | 'credential_loaded'
    | 'credential_expires'
    | 'staple_fetched'
    | 'agent_connected'
    | 'failed';
  readonly detail: string;
  readonly error?: XpsError;
}

export type CertsLog = (event: CertsEvent) => void;

/** A set of listeners. One that throws must not keep the others from hearing. */
export class Listeners<T> {
  readonly #listeners = new Set<(value: T) => void>();

  add(listener: (value: T) => void): () => void {
    // A function of its own for each call: the same listener may be added twice and removed once.
    const own = (value: T): void => listener(value);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  tell(value: T): void {
    const thrown: unknown[] = [];
    for (const listener of this.#listeners) {
      try {
        listener(value);
      } catch (error) {
        thrown.push(error);
      }
    }
    if (thrown.length > 0) throw thrown[0];
  }

  clear(): void {
    this.#listeners.clear();
  }
}
