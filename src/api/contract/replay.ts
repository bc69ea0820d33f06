import { z } from 'zod';
import { DECISIONS, decisionSchema, type WireDecision } from './evaluate.js';
import { wireObject } from './values.js';

export const replayRequest = wireObject({
  policies: z
    .enum(['then', 'now'])
    .default('then')
    .meta({ description: '`then`: as it was judged; `now`: by the policies, exceptions, budgets and instant of now' }),
}).prefault({});

const LISTS = [
  'violations',
  'warnings',
  'unknowns',
  'errors',
  'exceptions_applied',
  'notes',
  'holds',
] as const satisfies readonly (keyof WireDecision)[];

const differenceSchema = z.object({
  change: z.enum(['added', 'removed', 'changed']),
  where: z.string().meta({ description: '`violations`, or the name of a single value such as `decision`' }),
  policy_name: z.string().nullable(),
  rule_name: z.string().nullable(),
  resource_id: z.string().nullable(),
  path: z.string().nullable(),
  text: z.string(),
});
type Difference = z.infer<typeof differenceSchema>;

export const replaySchema = z
  .object({
    decision_id: z.string(),
    policies: z.enum(['then', 'now']),
    policy_set: z.string(),
    same: z.boolean().meta({ description: 'Of `then`: the same answer, byte for byte. Of `now`: nothing that matters differs' }),
    before: z.enum(DECISIONS),
    after: z.enum(DECISIONS),
    differences: z.array(differenceSchema),
    result: decisionSchema,
  })
  .meta({ id: 'Replay' });

type Item = Readonly<Record<string, unknown>>;

/** What differs between two answers to one request; ids and instants do not count. */
export function differencesOf(before: WireDecision, after: WireDecision): Difference[] {
  const single = (['decision', 'cost'] as const).filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
  return [
    ...single.map(
      (key): Difference => ({ ...NOWHERE, change: 'changed', where: key, text: `${shown(before[key])} became ${shown(after[key])}` }),
    ),
    ...LISTS.flatMap((where) => differencesIn(where, before[where], after[where])),
  ];
}

const NOWHERE = { policy_name: null, rule_name: null, resource_id: null, path: null };

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function differencesIn(where: string, before: readonly Item[], after: readonly Item[]): Difference[] {
  const was = new Map(before.map((item) => [keyOf(item), item]));
  const is = new Map(after.map((item) => [keyOf(item), item]));
  const difference = (change: Difference['change'], item: Item): Difference => ({
    change,
    where,
    policy_name: textOf(item, 'policy_name'),
    rule_name: textOf(item, 'rule_name'),
    resource_id: textOf(item, 'resource_id'),
    path: textOf(item, 'path'),
    text: textOf(item, 'message') ?? textOf(item, 'reason') ?? shown(meaningOf(item)),
  });
  return [
    ...before.filter((item) => !is.has(keyOf(item))).map((item) => difference('removed', item)),
    ...after.flatMap((item) => {
      const old = was.get(keyOf(item));
      if (old === undefined) return [difference('added', item)];
      return JSON.stringify(meaningOf(old)) === JSON.stringify(meaningOf(item)) ? [] : [difference('changed', item)];
    }),
  ];
}

function keyOf(item: Item): string {
  return JSON.stringify([item['policy_name'], item['rule_name'], item['resource_id'], item['path'] ?? item['period']]);
}

function textOf(item: Item, key: string): string | null {
  const value = item[key];
  return typeof value === 'string' ? value : null;
}

/** Without what names the moment: a hold has a new id, a policy a new version. */
function meaningOf({ id: _id, expires_at: _expires, policy_version: _version, ...rest }: Item): Item {
  return rest;
}
