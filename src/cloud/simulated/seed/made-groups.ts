import type { ManagedBy } from '../../../policy/model.js';
import type { NewResource } from '../rows.js';
import { type Made, madeId, toNewResource } from './made.js';
import { between, type Environment, pick, TEAMS, type World } from './world.js';

type Group = (world: World) => readonly Made[];

const ENVIRONMENTS = ['production', 'staging', 'development', 'sandbox'] as const;

const nameOf = (group: string, index: number): string => `${group}-${String(index + 1).padStart(2, '0')}`;
/** Teams in turn, so that no team gets more than its share of one kind of violation. */
const teamAt = (index: number) => TEAMS[index % TEAMS.length] ?? TEAMS[0];
const environmentAt = (index: number): Environment => ENVIRONMENTS[index % ENVIRONMENTS.length] ?? 'development';

function series<T>(
  group: string,
  items: readonly T[],
  toMade: (item: T, name: string, index: number) => Omit<Made, 'name' | 'team'> & Partial<Made>,
): readonly Made[] {
  return items.map((item, index) => {
    const name = nameOf(group, index);
    return { name, team: teamAt(index), ...toMade(item, name, index) };
  });
}

const count = (length: number): readonly number[] => Array.from({ length }, (_, index) => index);

const busy = (world: World, name: string): NonNullable<Made['metrics']> => ({
  cpu: between(120, 700, world, 'cpu', name) / 10,
  network: between(20_000_000, 2_000_000_000, world, 'network', name),
  days: 60,
});

const TERRAFORM: ManagedBy = {
  tool: 'terraform',
  address: 'module.web.aws_instance.this[0]',
  repository: 'https://git.company.com/platform/infrastructure',
};

/** Within every limit, tagged and at work, each instance with its volume. */
const compliant: Group = (world) =>
  count(44).flatMap((index) => {
    const name = nameOf('app', index);
    const environment = environmentAt(index);
    const team = teamAt(index);
    const size = pick(
      ['m5.large', 'm5.xlarge', 'm5.2xlarge', 'c5.xlarge', 'c5.4xlarge', 'm6i.4xlarge', 'c6i.2xlarge'],
      world,
      'size',
      name,
    );
    const sizeGb = between(20, 400, world, 'disk', name);
    return [
      { type: 'compute/instance', name, environment, team, size, metrics: busy(world, name) },
      {
        type: 'storage/volume',
        name: `${name}-data`,
        environment,
        team,
        specs: { sizeGb, volumeType: 'ssd', instanceType: 'gp3' },
        attachedTo: madeId(world, 'compute/instance', name),
      },
    ];
  });

/** Under 5 % CPU and under 1,000,000 bytes a day for over a week: [CPU, bytes]. */
const IDLE = [
  [1.2, 310_000],
  [0.4, 12_000],
  [3.9, 880_000],
  [4.9, 999_999],
  [2.2, 450_000],
  [0.9, 75_000],
  [1.7, 640_000],
  [3.1, 205_000],
] as const;
const idle: Group = () =>
  series('idle', IDLE, ([cpu, network], _, index) => ({
    type: 'compute/instance',
    environment: index % 2 === 0 ? 'development' : 'staging',
    size: index % 3 === 0 ? 'm5.xlarge' : 'c5.large',
    metrics: { cpu, network, days: 30 },
    ...(index === 7 ? { managedBy: TERRAFORM } : {}),
  }));

/** On the other side of each edge of "idle": CPU at 5 %, network at a million, seven days not full, stopped already. */
const notIdle: Group = () =>
  series(
    'quiet',
    [
      [5, 10_000, 30],
      [1, 1_000_000, 30],
      [0.5, 20_000, 3],
      [0.5, 20_000, 6],
      [0.2, 1_000, 30],
      [0.2, 1_000, 30],
    ] as const,
    ([cpu, network, days], _, index) => ({
      type: 'compute/instance',
      environment: 'development',
      size: 'm5.large',
      metrics: { cpu, network, days },
      ...(index >= 4 ? { state: 'stopped' } : {}),
    }),
  );

/** Over 16 vCPUs, over 64 GB, denied and not allowed families, all in production. */
const OVERSIZED = ['m5.8xlarge', 'c5.9xlarge', 'm5.8xlarge', 'r5.4xlarge', 'p3.2xlarge', 'x1e.xlarge', 't3.large'] as const;
const oversized: Group = (world) =>
  series('big', OVERSIZED, (size, name, index) => ({
    type: 'compute/instance',
    environment: 'production',
    size,
    metrics: busy(world, name),
    ...(index === 2 ? { managedBy: { ...TERRAFORM, address: 'module.batch.aws_instance.worker' } } : {}),
  }));

/** Exactly at the limits, and over them where no limit holds. */
const atTheLimits: Group = (world) => [
  ...series('edge', ['c5.4xlarge', 'm5.4xlarge'] as const, (size, name) => ({
    type: 'compute/instance',
    environment: 'production',
    size,
    metrics: busy(world, name),
  })),
  ...series('lab', ['m5.8xlarge', 'g4dn.xlarge', 'r5.2xlarge'] as const, (size, name) => ({
    type: 'compute/instance',
    environment: 'sandbox',
    size,
    metrics: busy(world, name),
  })),
];

/** Volumes in production at 1,000 GB and over it, and of a denied type. */
const volumes: Group = (world) =>
  series(
    'disk',
    [
      [1000, 'gp3'],
      [1001, 'gp3'],
      [2000, 'st1'],
      [400, 'io2'],
      [100, 'io1'],
      [500, 'sc1'],
    ] as const,
    ([sizeGb, instanceType], name) => ({
      type: 'storage/volume',
      environment: 'production',
      specs: {
        sizeGb,
        instanceType,
        volumeType: world.catalog.findVolumeType(instanceType)?.volumeClass ?? 'ssd',
        ...(instanceType.startsWith('io') ? { iops: 3000 } : {}),
      },
      attachedTo: madeId(world, 'compute/instance', `host of ${name}`),
    }),
  );

const DATABASES = [
  ['db.m5.large', 100],
  ['db.t3.small', 20],
  ['db.m5.2xlarge', 500],
  ['db.r5.xlarge', 250],
  ['db.m5.large', 501],
  ['db.m5.4xlarge', 400],
  ['db.r5.4xlarge', 1200],
] as const;
/** Databases in production: within 8 vCPUs and 500 GB, at them, and over each and both. */
const databases: Group = (world) =>
  series('orders-db', DATABASES, ([size, storageGb], name) => ({
    type: 'database/instance',
    environment: 'production',
    size,
    specs: { storageGb },
    metrics: busy(world, name),
  }));

/**
 * More volumes unattached for over 7 days than may be deleted in a day: the one policy that is made to breach the blast radius.
 * Six others were detached within the 7 days.
 */
const UNATTACHED_DAYS = [...count(26).map((index) => 8 + index * 3.5), 0.2, 1, 3, 5, 6.5, 6.9];
const unattached: Group = (world) =>
  series('scratch', UNATTACHED_DAYS, (detachedDays, name) => ({
    type: 'storage/volume',
    environment: pick(['development', 'staging', 'sandbox'], world, 'environment', name),
    specs: { sizeGb: between(10, 800, world, 'disk', name), volumeType: 'ssd', instanceType: 'gp2' },
    detachedDays,
  }));

const addresses: Group = (world) =>
  series('ip', [30, 12, 3, null, null] as const, (detachedDays, name) => ({
    type: 'network/address',
    environment: 'development',
    ...(detachedDays === null ? { attachedTo: madeId(world, 'compute/instance', `host of ${name}`) } : { detachedDays }),
  }));

/** Snapshots of made volumes, and two whose volume is gone. */
const snapshots: Group = (world) =>
  series('backup', [0, 1, 2, 3, 4, 5, null, null] as const, (volume, name) => ({
    type: 'storage/snapshot',
    environment: 'production',
    specs: { sizeGb: between(8, 200, world, 'disk', name) },
    ...(volume === null
      ? { detachedDays: between(20, 90, world, 'gone', name) }
      : { attachedTo: madeId(world, 'storage/volume', `${nameOf('app', volume)}-data`) }),
  }));

const services: Group = () => [
  ...series('front', count(6), (index) => ({ type: 'network/load-balancer', environment: environmentAt(index) })),
  ...series('egress', count(3), (index) => ({ type: 'network/nat-gateway', environment: environmentAt(index) })),
  ...series('files', count(8), (index) => ({
    type: 'storage/bucket',
    environment: environmentAt(index),
    specs: { sizeGb: 50 * (index + 1) },
  })),
];

const MISSING = [
  ['owner'],
  ['cost-center'],
  ['project'],
  ['environment'],
  ['owner', 'project'],
  ['cost-center', 'owner'],
  ['cost-center', 'environment', 'owner', 'project'],
] as const;
/** One missing tag of each kind, several, and all. */
const missingTags: Group = (world) =>
  series('untagged', [...MISSING, ...MISSING], (keys, name, index) => ({
    type: index % 2 === 0 ? 'compute/instance' : 'storage/bucket',
    environment: index % 2 === 0 ? 'development' : 'staging',
    ...(index % 2 === 0 ? { size: 'm5.large', metrics: busy(world, name) } : { specs: { sizeGb: 40 } }),
    tags: Object.fromEntries(keys.map((key) => [key, null])),
  }));

const BAD_TAGS = [
  ['cost-center', 'CC-1234'],
  ['cost-center', 'cc-001234'],
  ['cost-center', '001234'],
  ['environment', 'prod'],
  ['environment', 'Production'],
  ['environment', 'test'],
  ['owner', 'Dana@company.com'],
  ['owner', 'dana@example.com'],
  ['project', 'ab'],
  ['project', 'p'.repeat(51)],
] as const;
/** A value on the wrong side of each pattern, list and length. */
const badTags: Group = (world) =>
  series('mistagged', BAD_TAGS, ([key, value], name) => ({
    type: 'compute/instance',
    environment: 'development',
    size: 'c5.large',
    metrics: busy(world, name),
    tags: { [key]: value },
  }));

const GROUPS: readonly Group[] = [
  compliant,
  idle,
  notIdle,
  oversized,
  atTheLimits,
  volumes,
  databases,
  unattached,
  addresses,
  snapshots,
  services,
  missingTags,
  badTags,
];

/** The made part: for every rule of the shipped policies what breaks it and what keeps it, with the edges of each limit on both sides. */
export function madeResources(world: World): NewResource[] {
  return GROUPS.flatMap((group) => group(world)).map((made) => toNewResource(made, world));
}
