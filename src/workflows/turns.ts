/** Lets asynchronous update handlers of one workflow work one after the other, in the order they came. */
export interface Turns {
  next<T>(work: () => Promise<T>): Promise<T>;
}

export function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve();
  return {
    next(work) {
      const mine = last.then(work, work);
      // Whoever waits for `mine` sees its failure; the next in line only waits for its end.
      last = mine.catch(() => undefined);
      return mine;
    },
  };
}
