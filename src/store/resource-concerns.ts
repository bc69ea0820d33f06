import { coveringOf } from '../policy/exception.js';
import type { Resource } from '../policy/model.js';
import type { ExceptionRecord } from '../policy/records.js';
import type { Db } from './db.js';
import { listExceptionsAbout } from './exceptions.js';

/** What there is about a resource of the inventory. */
export interface Concerns {
  readonly openViolationIds: readonly string[];
  /** Whatever their status, as it is at that instant; newest request first. */
  readonly exceptions: readonly ExceptionRecord[];
}

/** For each of these resources of the inventory, in their order. */
export async function loadConcerns(db: Db, resources: readonly Resource[], at: number): Promise<readonly Concerns[]> {
  const openViolations = await loadOpenViolationIds(db, resources);
  const ids = resources.flatMap(({ id }) => id ?? []);
  const covering = coveringOf(await listExceptionsAbout(db, ids, at));
  return resources.map((resource, index) => ({
    openViolationIds: openViolations.get(index) ?? [],
    exceptions: [...covering(resource)].sort((a, b) => b.requestedAt - a.requestedAt),
  }));
}

/** By the place of the resource. */
async function loadOpenViolationIds(db: Db, resources: readonly Resource[]): Promise<ReadonlyMap<number, readonly string[]>> {
  const column = (key: 'provider' | 'account' | 'type' | 'id') => resources.map((resource) => resource[key]);
  const { rows } = await db.query<{ place: number; ids: readonly string[] }>(
    `select r.place, array_agg(v.id order by v.policy_name, v.rule_name) as ids
     from unnest($1::text[], $2::text[], $3::text[], $4::text[]) with ordinality as r (provider, account, type, id, place)
     join violations v on v.provider = r.provider and v.account = r.account and v.resource_type = r.type and v.resource_id = r.id
     where v.closed_at is null and v.status = 'open' group by r.place`,
    [column('provider'), column('account'), column('type'), column('id')],
  );
  return new Map(rows.map(({ place, ids }) => [place - 1, ids]));
}
