/** Time as an argument, so that every rule about time can be tested. */
export interface Clock {
  /** Milliseconds since the epoch; may jump when somebody sets the clock. */
  wallMs(): number;
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
