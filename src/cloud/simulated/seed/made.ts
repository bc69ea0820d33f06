import type { ManagedBy, Resource, Specs } from '../../../policy/model.js';
import { PRICED_REGION, specsOf } from '../../catalog/catalog.js';
import type { NewResource } from '../rows.js';
import { between, daysAgo, type Environment, idOf, pick, requiredTags, TEAMS, type Team, type World } from './world.js';

/** Accounts of the made part; the billed part has the bill's own. */
export const MADE_ACCOUNTS: Readonly<Record<Environment, string>> = {
  production: '111122223333',
  staging: '444455556666',
  development: '444455556666',
  sandbox: '777788889999',
};
const REGIONS = ['us-east-1', 'eu-west-1', 'us-west-2'] as const;

const PREFIXES: Readonly<Record<string, string>> = {
  'compute/instance': 'i',
  'storage/volume': 'vol',
  'storage/snapshot': 'snap',
  'storage/bucket': 'bucket',
  'database/instance': 'db',
  'network/load-balancer': 'lb',
  'network/nat-gateway': 'nat',
  'network/address': 'eipalloc',
};

/** One made resource, in the terms in which the groups of `made-groups.ts` are written. */
export interface Made {
  readonly type: string;
  /** Unique in the made part; the id and every drawn figure follow from it. */
  readonly name: string;
  readonly environment: Environment;
  readonly team?: Team;
  /** Replace or take away (null) tags that would be right. */
  readonly tags?: Readonly<Record<string, string | null>>;
  readonly size?: string;
  readonly specs?: Specs;
  readonly state?: string;
  readonly metrics?: { readonly cpu: number; readonly network: number; readonly days: number };
  readonly attachedTo?: string;
  /** Days since it was detached. */
  readonly detachedDays?: number;
  readonly managedBy?: ManagedBy;
}

const INITIAL_STATE: Readonly<Record<string, string>> = {
  'compute/instance': 'running',
  'database/instance': 'running',
  'storage/snapshot': 'completed',
};

function stateOf(made: Made): string {
  if (made.state !== undefined) return made.state;
  if (made.type === 'storage/volume') return made.attachedTo === undefined ? 'available' : 'in-use';
  return INITIAL_STATE[made.type] ?? 'active';
}

function tagsOf(made: Made, world: World): Resource['tags'] {
  const team = made.team ?? pick(TEAMS, world, 'team', made.name);
  const right = requiredTags(world, team, made.environment, pick(team.projects, world, 'project', made.name), made.name);
  const entries = Object.entries<string | null>({ Name: made.name, ...right, ...made.tags });
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== null));
}

function specsFor(made: Made, world: World): Specs {
  const type = made.size === undefined ? undefined : world.catalog.findInstanceType(made.size);
  return { ...(type === undefined ? {} : specsOf(type)), ...made.specs };
}

/** The id of a made resource by its type and name, so that others can be attached to it. */
export function madeId(world: World, type: string, name: string): string {
  return idOf(PREFIXES[type] ?? 'res', world, type, name);
}

export function toNewResource(made: Made, world: World): NewResource {
  const specs = specsFor(made, world);
  return {
    account: MADE_ACCOUNTS[made.environment],
    type: made.type,
    id: madeId(world, made.type, made.name),
    region: pick(REGIONS, world, 'region', made.name),
    name: made.name,
    state: stateOf(made),
    createdAt: daysAgo(world, between(Math.ceil(made.detachedDays ?? 0) + 30, 700, world, 'age', made.name)),
    tags: tagsOf(made, world),
    specs,
    cost: world.catalog.price({ type: made.type, region: PRICED_REGION, specs }),
    metrics:
      made.metrics === undefined
        ? null
        : { avgCpuPercent: made.metrics.cpu, avgNetworkBytesPerDay: made.metrics.network, since: daysAgo(world, made.metrics.days) },
    attachedTo: made.attachedTo ?? null,
    detachedAt: made.detachedDays === undefined ? null : daysAgo(world, made.detachedDays),
    managedBy: made.managedBy ?? null,
    origin: 'made',
  };
}
