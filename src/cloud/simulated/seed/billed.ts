import type { Resource, Specs } from '../../../policy/model.js';
import { specsOf } from '../../catalog/catalog.js';
import type { MetricsSince, NewResource } from '../rows.js';
import { type BilledResource, costOf, readBilledResources } from './bill.js';
import { between, daysAgo, type Environment, fraction, idOf, pick, requiredTags, TEAMS, type World } from './world.js';

/** Share of the billed resources that also get the tags which the shipped policies ask for. */
export const TAGGED_SHARE = 0.7;
/** Shares of the billed instances with a month of metrics and, above that, with a few days only; the rest have none. */
const METRICS_SHARE = 0.75;
const FEW_DAYS_SHARE = 0.85;
/** The sample's month, September 2024, has 720 hours: a charge of 1/90 GB-month for an hour is a volume of 8 GB. */
const HOURS_OF_SAMPLE_MONTH = 720;
/** Where the bill names no region. */
const NO_REGION = 'global';

const ENVIRONMENTS: Readonly<Record<string, Environment>> = { dev: 'development', prod: 'production' };
/** Sizes for instances whose type the bill does not name: all within the limits for production. */
const SIZES = ['m5.large', 'm5.xlarge', 'm6i.large', 'm6i.2xlarge', 'c5.large', 'c5.xlarge', 'c6i.2xlarge', 'c6i.4xlarge'] as const;
const DATABASE_SIZES = ['db.t3.small', 'db.t3.large', 'db.m5.large'] as const;
const VOLUME_TYPE = /\b(gp2|gp3|io1|io2|st1|sc1)\b/;
/** Named by the bill with their price: a little stopping to do among what is real. */
const IDLE_SIZE = 'c5.2xlarge';

function describes(billed: BilledResource, pattern: RegExp): RegExpExecArray | null {
  for (const { description } of billed.charges) {
    const match = pattern.exec(description);
    if (match !== null) return match;
  }
  return null;
}

function environmentOf(billed: BilledResource, world: World): Environment {
  const real = ENVIRONMENTS[billed.tags['environment'] ?? billed.tags['env'] ?? ''];
  return real ?? pick(['development', 'staging', 'sandbox', 'production'], world, 'environment', billed.id);
}

/** `BrightPathMatrix` → `bright-path-matrix` */
function projectOf(billed: BilledResource): string | undefined {
  return billed.tags['application']?.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();
}

/** The real tags, and for the stated share of resources those which the shipped policies ask for. */
function tagsOf(billed: BilledResource, world: World): Resource['tags'] {
  if (fraction(world, 'tagged', billed.id) >= TAGGED_SHARE) return billed.tags;
  const team = pick(TEAMS, world, 'team', billed.tags['business_unit'] ?? billed.account);
  const project = projectOf(billed) ?? pick(team.projects, world, 'project', billed.id);
  return { ...billed.tags, ...requiredTags(world, team, environmentOf(billed, world), project, billed.id) };
}

/** The size that the bill names (`per On Demand Linux m5.large Instance Hour`, `per c6a.4xlarge instance-hour`, `|m5.2xlarge`). */
function namedSize(billed: BilledResource): string | null {
  return describes(billed, /\b((?:db\.)?[a-z][a-z0-9-]*\d[a-z0-9-]*\.(?:\d*x?large|medium|small|micro|nano|metal))\b/)?.[1] ?? null;
}

function monthlyQuantity(billed: BilledResource): number | null {
  const charge = billed.charges.find(({ unit, quantity }) => unit === 'GB-Months' && quantity > 0);
  return charge === undefined ? null : (charge.quantity * HOURS_OF_SAMPLE_MONTH) / charge.hours;
}

function volumeSpecs(billed: BilledResource, world: World): Specs {
  const name = describes(billed, VOLUME_TYPE)?.[1] ?? 'gp3';
  const billedSize = monthlyQuantity(billed);
  const sizeGb = billedSize === null ? between(20, 500, world, 'size', billed.id) : Math.max(1, Math.round(billedSize));
  return { sizeGb, volumeType: world.catalog.findVolumeType(name)?.volumeClass ?? 'ssd', instanceType: name };
}

function specsFor(billed: BilledResource, world: World): Specs {
  const sizeOf = (sizes: readonly [string, ...string[]]): Specs => {
    // The catalog's sizes are Amazon's: what another cloud runs stays unknown.
    if (billed.cloud !== 'AWS') return {};
    const type = world.catalog.findInstanceType(namedSize(billed) ?? pick(sizes, world, 'size', billed.id));
    return type === undefined ? {} : specsOf(type);
  };
  switch (billed.type) {
    case 'compute/instance':
      return sizeOf(SIZES);
    case 'database/instance':
      return { ...sizeOf(DATABASE_SIZES), storageGb: between(20, 400, world, 'storage', billed.id) };
    case 'storage/volume':
      return volumeSpecs(billed, world);
    case 'storage/snapshot':
      return { sizeGb: Number(Math.max(0.01, monthlyQuantity(billed) ?? 1).toFixed(2)) };
    default:
      return {};
  }
}

function metricsOf(billed: BilledResource, world: World): MetricsSince | null {
  const draw = fraction(world, 'metrics', billed.id);
  if (billed.type !== 'compute/instance' && billed.type !== 'database/instance') return null;
  if (namedSize(billed) === IDLE_SIZE) {
    return {
      avgCpuPercent: between(4, 38, world, 'cpu', billed.id) / 10,
      avgNetworkBytesPerDay: between(50_000, 900_000, world, 'net', billed.id),
      since: daysAgo(world, 45),
    };
  }
  if (draw >= FEW_DAYS_SHARE) return null;
  return {
    avgCpuPercent: between(80, 750, world, 'cpu', billed.id) / 10,
    avgNetworkBytesPerDay: between(5_000_000, 4_000_000_000, world, 'net', billed.id),
    since: daysAgo(world, draw < METRICS_SHARE ? 30 : between(1, 4, world, 'few', billed.id)),
  };
}

const STATES: Readonly<Record<string, string>> = {
  'compute/instance': 'running',
  'database/instance': 'running',
  'storage/volume': 'in-use',
  'storage/snapshot': 'completed',
};

/** What a volume or address is attached to. The bill tells it of addresses only (`Idle`, `In-use`); every billed volume is made to be in use. */
function attachment(billed: BilledResource, world: World): { attachedTo?: string; detachedAt?: number } {
  if (billed.type === 'storage/volume') return { attachedTo: idOf('i', world, 'host of', billed.id) };
  if (billed.type !== 'network/address') return {};
  if (describes(billed, /Idle public/) === null) return { attachedTo: idOf('eni', world, 'host of', billed.id) };
  return { detachedAt: daysAgo(world, between(1, 60, world, 'detached', billed.id)) };
}

function toNewResource(billed: BilledResource, world: World): NewResource {
  const cost = costOf(billed.charges);
  const specs = specsFor(billed, world);
  return {
    account: billed.account,
    type: billed.type,
    id: billed.id,
    region: billed.region ?? NO_REGION,
    name: billed.name,
    state: STATES[billed.type] ?? 'active',
    createdAt: daysAgo(world, between(60, 900, world, 'age', billed.id)),
    tags: tagsOf(billed, world),
    specs,
    cost,
    bill: { instanceType: specs.instanceType ?? null, cost },
    metrics: metricsOf(billed, world),
    ...attachment(billed, world),
    origin: 'bill',
  };
}

/** The resources of the sample bill. Ids, kinds, accounts, regions, own tags and costs are the bill's; the rest is made. */
export function billedResources(world: World): NewResource[] {
  return readBilledResources().map((billed) => toNewResource(billed, world));
}
