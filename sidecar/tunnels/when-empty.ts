import type { Heartbeat } from '../heartbeat.ts';

/** Resolves when `isEmpty` holds, which is looked at with each beat, or after `deadlineMs`. */
export function whenEmpty(isEmpty: () => boolean, heartbeat: Heartbeat, deadlineMs: number): Promise<void> {
  if (isEmpty() || deadlineMs <= 0) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      stopBeat();
      resolve();
    };
    const timer = setTimeout(finish, deadlineMs);
    const stopBeat = heartbeat.add(() => {
      if (isEmpty()) finish();
    });
  });
}
