import { V7Generator } from 'uuidv7';

/** Prefixes of the ids that Tollgate makes; what follows is a UUIDv7, so ids sort by the time they were made. */
export type IdPrefix = 'scan' | 'vio' | 'rem' | 'exc' | 'dec' | 'hold' | 'apr' | 'tok' | 'ntc' | 'req' | 'imp';

/** How many random words are fetched at once: asking for a few each time costs more than all the rest of an id. */
const POOL_WORDS = 1_024;

const pool = new Uint32Array(POOL_WORDS);
let used = POOL_WORDS;

function nextUint32(): number {
  if (used === POOL_WORDS) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  return pool[used++] as number;
}

const generator = new V7Generator({ nextUint32 });

export function newId(prefix: IdPrefix): string {
  return `${prefix}_${generator.generate().toString()}`;
}
