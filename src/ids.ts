import { uuidv7 } from 'uuidv7';

/** Prefixes of the ids that Tollgate makes; what follows is a UUIDv7, so ids sort by the time they were made. */
export type IdPrefix = 'scan' | 'vio' | 'rem' | 'exc' | 'dec' | 'hold' | 'apr' | 'tok' | 'ntc' | 'req' | 'imp';

export function newId(prefix: IdPrefix): string {
  return `${prefix}_${uuidv7()}`;
}
