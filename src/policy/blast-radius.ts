/** How many resources may be acted on before a person has to agree (SPEC §5.2). Pure: the counts come from the store. */
import type { Decimal } from './model.js';
import { compare } from './money.js';
import type { Settings } from './settings.js';

export interface BlastRadiusCounts {
  readonly policy: ScopeCount;
  readonly team: ScopeCount;
  /** Known monthly savings acted on in the last hour plus those due in the next. */
  readonly moneyPerHour: Decimal;
}

export interface ScopeCount {
  /** Name of the policy or team. */
  readonly name: string;
  /** Destructive acts of the last window plus those due in the next. */
  readonly acting: number;
  /** Resources that the percentage is taken of. */
  readonly applicable: number;
}

/** A limit that is passed. `scope` is the key under which one approval releases the batch. */
export interface Breach {
  readonly scope: string;
  readonly message: string;
}

interface Limit {
  readonly min: number;
  readonly percent: number;
}

/** The largest number that may act: `min`, or `percent` of `applicable` rounded down where that is more. Reaching it is no breach. */
export function blastRadiusLimit(limit: Limit, applicable: number): number {
  return Math.max(limit.min, Math.floor((limit.percent * applicable) / 100));
}

/** Every limit that `counts` pass, in the order policy, team, money; empty when acting is within all of them. */
export function breaches(counts: BlastRadiusCounts, settings: Settings['blastRadius']): readonly Breach[] {
  const found: Breach[] = [];
  for (const kind of ['policy', 'team'] as const) {
    const { name, acting, applicable } = counts[kind];
    const limit = blastRadiusLimit(settings[kind], applicable);
    if (acting > limit)
      found.push({
        scope: `${kind}:${name}`,
        message: `${acting} resources of ${kind} \`${name}\` would be acted on, the limit is ${limit}`,
      });
  }
  if (settings.moneyPerHour !== null && compare(counts.moneyPerHour, settings.moneyPerHour) > 0) {
    found.push({
      scope: 'money',
      message: `savings of ${counts.moneyPerHour} a month would be acted on within an hour, the limit is ${settings.moneyPerHour}`,
    });
  }
  return found;
}
