import { createHash } from 'node:crypto';
import { TollgateError } from '../../errors.js';
import type { Cost, Instant, Json, Resource, Specs } from '../../policy/model.js';
import { type Db, toTimestamp } from '../../store/db.js';
import { type Catalog, PRICED_REGION, specsOf } from '../catalog/catalog.js';
import type { CloudCommand, CommandOutcome } from '../provider.js';
import { findRow, insertResources, type ResourceRow, updateResource } from './rows.js';

export const TAG_LIMITS = { count: 50, keyLength: 128, valueLength: 256 } as const;

export interface CommandContext {
  /** Inside the transaction of the command. */
  readonly db: Db;
  readonly catalog: Catalog;
  readonly at: Instant;
  readonly transitionMs: number;
  /** What the token makes is named after it, so a dry run and the call after it name the same. */
  readonly token: string;
}

/** A command that was found possible: what it will answer, and how to do it. A dry run stops before `apply`. */
export interface Plan {
  readonly outcome: CommandOutcome;
  apply(): Promise<void>;
}

const STOPPABLE = ['compute/instance', 'database/instance'];
const SNAPSHOTTABLE = ['storage/volume', 'compute/instance', 'database/instance'];
const DEFAULT_DISK_GB = 8;

function refuse(message: string): never {
  throw new TollgateError('provider-refused', message);
}

function requireType(command: CloudCommand, types: readonly string[]): void {
  if (!types.includes(command.key.type)) refuse(`\`${command.kind}\` is not possible for \`${command.key.type}\``);
}

function nothing(details: CommandOutcome['details'] = {}): Plan {
  return { outcome: { changed: false, made: {}, details }, apply: () => Promise.resolve() };
}

function change(apply: () => Promise<unknown>, made: CommandOutcome['made'] = {}, details: CommandOutcome['details'] = {}): Plan {
  return {
    outcome: { changed: true, made, details },
    apply: async () => {
      await apply();
    },
  };
}

type Columns = Readonly<Record<string, unknown>>;

function transition(context: CommandContext, through: string, to: string): Columns {
  return { state: through, next_state: to, next_state_at: toTimestamp(context.at + context.transitionMs) };
}

function idFor(prefix: string, context: CommandContext, account: string): string {
  return `${prefix}-0${createHash('sha256').update(`${account} ${context.token}`).digest('hex').slice(0, 16)}`;
}

function planStop(command: CloudCommand, row: ResourceRow, context: CommandContext): Plan {
  requireType(command, STOPPABLE);
  const details = { previousState: row.state };
  if (row.state === 'stopped' || row.state === 'stopping') return nothing(details);
  if (row.state !== 'running' && row.state !== 'pending') refuse(`\`${row.id}\` cannot be stopped while it is ${row.state}`);
  return change(() => updateResource(context.db, row, transition(context, 'stopping', 'stopped')), {}, details);
}

function planStart(command: CloudCommand, row: ResourceRow, context: CommandContext): Plan {
  requireType(command, STOPPABLE);
  const details = { previousState: row.state };
  if (row.state === 'running' || row.state === 'pending') return nothing(details);
  if (row.state !== 'stopped') refuse(`\`${row.id}\` cannot be started while it is ${row.state}`);
  return change(() => updateResource(context.db, row, transition(context, 'pending', 'running')), {}, details);
}

/** The bill's own price where it names this size, else the list price. */
function costOfSize(row: ResourceRow, specs: Specs, catalog: Catalog): Cost {
  if (row.bill !== null && row.bill.instanceType === specs.instanceType) return row.bill.cost;
  return catalog.price({ type: row.type, region: PRICED_REGION, specs });
}

function planResize(command: CloudCommand & { kind: 'resize' }, row: ResourceRow, context: CommandContext): Plan {
  requireType(command, STOPPABLE);
  const target = context.catalog.findInstanceType(command.instanceType);
  if (target === undefined || target.name.startsWith('db.') !== (row.type === 'database/instance')) {
    refuse(`\`${command.instanceType}\` is not a size of \`${row.type}\``);
  }
  const details = { previousType: row.specs.instanceType ?? null };
  if (row.specs.instanceType === target.name) return nothing(details);
  if (row.state !== 'stopped') refuse(`\`${row.id}\` must be stopped to be resized; it is ${row.state}`);
  const arch = context.catalog.findInstanceType(row.specs.instanceType ?? '')?.arch;
  if (arch !== undefined && arch !== target.arch) refuse(`\`${target.name}\` is ${target.arch} and \`${row.id}\` is ${arch}`);
  const specs = { ...row.specs, ...specsOf(target) };
  const cost = costOfSize(row, specs, context.catalog);
  return change(() => updateResource(context.db, row, { specs: JSON.stringify(specs), cost: JSON.stringify(cost) }), {}, details);
}

function planTerminate(command: CloudCommand, row: ResourceRow, context: CommandContext): Plan {
  requireType(command, STOPPABLE);
  if (row.state === 'shutting-down') return nothing();
  return change(async () => {
    await updateResource(context.db, row, transition(context, 'shutting-down', 'terminated'));
    await context.db.query(
      `update simulated.resources set attached_to = null, detached_at = $3, state = case when type = 'storage/volume' then 'available' else state end
       where account = $1 and attached_to = $2`,
      [row.account, row.id, toTimestamp(context.at)],
    );
  });
}

function planDelete(command: CloudCommand, row: ResourceRow, context: CommandContext): Plan {
  if (STOPPABLE.includes(row.type)) refuse(`\`delete\` is not possible for \`${row.type}\`; it is terminated`);
  if (row.state === 'deleting') return nothing();
  if (row.attached_to !== null) refuse(`\`${row.id}\` is attached to \`${row.attached_to}\``);
  return change(() => updateResource(context.db, row, transition(context, 'deleting', 'deleted')));
}

function checkTags(tags: Readonly<Record<string, string>>): void {
  const count = Object.keys(tags).length;
  if (count > TAG_LIMITS.count) refuse(`${count} tags are more than ${TAG_LIMITS.count}`);
  for (const [key, value] of Object.entries(tags)) {
    if (key.length < 1 || key.length > TAG_LIMITS.keyLength)
      refuse(`a tag key has 1 to ${TAG_LIMITS.keyLength} characters, not ${key.length}`);
    if (value.length > TAG_LIMITS.valueLength) refuse(`the value of tag \`${key}\` is longer than ${TAG_LIMITS.valueLength} characters`);
  }
}

function planTags(row: ResourceRow, tags: Readonly<Record<string, string>>, context: CommandContext): Plan {
  const keys = new Set([...Object.keys(tags), ...Object.keys(row.tags)]);
  const changed = [...keys].filter((key) => tags[key] !== row.tags[key]);
  if (changed.length === 0) return nothing();
  const previousTags = Object.fromEntries(changed.map((key): [string, Json] => [key, row.tags[key] ?? null]));
  return change(() => updateResource(context.db, row, { tags: JSON.stringify(tags) }), {}, { previousTags });
}

function planSetTags(command: CloudCommand & { kind: 'set-tags' }, row: ResourceRow, context: CommandContext): Plan {
  const tags = { ...row.tags, ...command.tags };
  checkTags(tags);
  return planTags(row, tags, context);
}

function planRemoveTags(command: CloudCommand & { kind: 'remove-tags' }, row: ResourceRow, context: CommandContext): Plan {
  return planTags(row, Object.fromEntries(Object.entries(row.tags).filter(([key]) => !command.tagKeys.includes(key))), context);
}

/** Size of what a snapshot is taken of: a volume's own, of an instance its volumes together. */
async function diskSize(row: ResourceRow, db: Db): Promise<number> {
  const own = row.specs.sizeGb ?? row.specs.storageGb;
  if (own !== undefined) return own;
  const result = await db.query<{ size: number | null }>(
    `select sum((specs->>'sizeGb')::double precision) as size from simulated.resources where account = $1 and attached_to = $2`,
    [row.account, row.id],
  );
  return result.rows[0]?.size ?? DEFAULT_DISK_GB;
}

async function planSnapshot(command: CloudCommand & { name?: string }, row: ResourceRow, context: CommandContext): Promise<Plan> {
  requireType(command, SNAPSHOTTABLE);
  const id = idFor('snap', context, row.account);
  const specs = { sizeGb: await diskSize(row, context.db) };
  const snapshot = {
    account: row.account,
    type: 'storage/snapshot',
    id,
    region: row.region,
    name: command.name ?? `snapshot of ${row.id}`,
    state: 'pending',
    nextState: { state: 'completed', at: context.at + context.transitionMs },
    createdAt: context.at,
    tags: row.tags,
    specs,
    cost: context.catalog.price({ type: 'storage/snapshot', region: PRICED_REGION, specs }),
    sourceId: row.id,
    origin: 'command',
  } as const;
  return change(() => insertResources(context.db, [snapshot]), { snapshotId: id });
}

async function planRestore(command: CloudCommand & { kind: 'restore-volume' }, context: CommandContext): Promise<Plan> {
  requireType(command, ['storage/volume']);
  const key = { ...command.key, type: 'storage/snapshot', id: command.snapshotId };
  const snapshot = await findRow(context.db, key, context.at, true);
  if (snapshot === undefined) throw new TollgateError('not-found', `no snapshot \`${command.snapshotId}\` in account \`${key.account}\``);
  if (snapshot.state !== 'completed') refuse(`snapshot \`${snapshot.id}\` is ${snapshot.state}`);
  const id = idFor('vol', context, snapshot.account);
  return change(() => insertResources(context.db, [restoredVolume(command.saved, snapshot, id, context)]), { resourceId: id });
}

/** A volume made new from a snapshot: its own id and birth, the saved size and tags, attached to nothing since now. */
function restoredVolume(saved: Resource, snapshot: ResourceRow, id: string, context: CommandContext) {
  return {
    account: snapshot.account,
    type: 'storage/volume',
    id,
    region: snapshot.region,
    name: saved.name,
    state: 'creating',
    nextState: { state: 'available', at: context.at + context.transitionMs },
    createdAt: context.at,
    namespace: saved.namespace,
    tags: saved.tags,
    specs: { ...saved.specs, sizeGb: Math.max(saved.specs.sizeGb ?? 0, snapshot.specs.sizeGb ?? 0) },
    cost: saved.cost,
    detachedAt: context.at,
    sourceId: snapshot.id,
    origin: 'command',
  } as const;
}

/** @throws not-found for what is gone, provider-refused for what the cloud will not do. Changes nothing. */
export async function planCommand(command: CloudCommand, context: CommandContext): Promise<Plan> {
  if (command.kind === 'restore-volume') return planRestore(command, context);
  const row = await findRow(context.db, command.key, context.at, true);
  if (row === undefined)
    throw new TollgateError('not-found', `no \`${command.key.type}\` \`${command.key.id}\` in account \`${command.key.account}\``);
  switch (command.kind) {
    case 'stop':
      return planStop(command, row, context);
    case 'start':
      return planStart(command, row, context);
    case 'terminate':
      return planTerminate(command, row, context);
    case 'delete':
      return planDelete(command, row, context);
    case 'create-snapshot':
      return planSnapshot(command, row, context);
    case 'resize':
      return planResize(command, row, context);
    case 'set-tags':
      return planSetTags(command, row, context);
    case 'remove-tags':
      return planRemoveTags(command, row, context);
    default:
      return command satisfies never;
  }
}
