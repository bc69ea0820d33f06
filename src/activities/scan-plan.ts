/** The beginning of a scan: which shards there are to read. */
import { cancellationSignal } from '@temporalio/activity';
import type { Shard } from '../cloud/provider.js';
import { describeError } from '../errors.js';
import type { ScanScope } from '../policy/records.js';
import { transaction } from '../store/db.js';
import { knownShards, type NewScan, openScan, planShards, type ShardPlan } from '../store/scans.js';
import { alive } from './alive.js';
import type { ActivityDeps } from './deps.js';
import { patiently } from './patience.js';

type PlanDeps = Pick<ActivityDeps, 'pool' | 'providers' | 'now' | 'log'>;

/** Opens the scan and writes down its shards; answers how many there are. Safe to repeat. A provider that cannot say is one failed shard. */
export async function planScan(deps: PlanDeps, scan: NewScan): Promise<number> {
  await transaction(deps.pool, (db) => openScan(db, scan, deps.now()));
  const names = deps.providers.names.filter((name) => scan.scope.provider === undefined || scan.scope.provider === name);
  const plans = (await alive(() => Promise.all(names.map((name) => shardsOf(deps, name, scan.scope))))).flat();
  return planShards(deps.pool, scan.id, plans);
}

async function shardsOf(deps: PlanDeps, name: string, scope: ScanScope): Promise<readonly ShardPlan[]> {
  const listed = await listedShards(deps, name);
  if (typeof listed === 'string') return [{ provider: name, account: '*', region: '*', type: '*', error: listed }];
  const known = await knownShards(deps.pool, name);
  return [...listed.map((shard) => ({ ...shard, error: null })), ...known].filter((shard) => isWithin(scope, shard));
}

/** What the provider says there is, else why it does not say. */
async function listedShards(deps: PlanDeps, name: string): Promise<readonly Shard[] | string> {
  try {
    return await patiently(() => deps.providers.get(name).shards(cancellationSignal()));
  } catch (error) {
    cancellationSignal().throwIfAborted();
    const message = describeError(error);
    deps.log.warn({ provider: name, error: message }, 'the provider cannot say what there is to scan');
    return message;
  }
}

function isWithin(scope: ScanScope, shard: Shard): boolean {
  const { account, region, types } = scope;
  return (
    (account === undefined || account === shard.account) &&
    (region === undefined || region === shard.region) &&
    (types === undefined || types.includes(shard.type))
  );
}
