/** Wakes a loop that waits for something to be announced. */
export interface Bell {
  ring(): void;
  /** Ends when it rings or rang since the last wait, when `ms` have passed, or when `signal` aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export function createBell(): Bell {
  let rung = new AbortController();
  return {
    ring: () => rung.abort(),
    async wait(ms, signal) {
      const woken = AbortSignal.any([rung.signal, signal]);
      if (!woken.aborted && ms > 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          woken.addEventListener(
            'abort',
            () => {
              clearTimeout(timer);
              resolve();
            },
            { once: true },
          );
        });
      }
      rung = new AbortController();
    },
  };
}
