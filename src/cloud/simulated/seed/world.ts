import { createHash } from 'node:crypto';
import { DAY } from '../../../policy/durations.js';
import type { Instant } from '../../../policy/model.js';
import type { Catalog } from '../../catalog/catalog.js';

/** What a seeded cloud is a function of. */
export interface World {
  readonly seed: string;
  readonly now: Instant;
  readonly catalog: Catalog;
}

/** A number in [0, 1) that depends on nothing but the seed and `parts`: adding a resource changes no other. */
export function fraction(world: World, ...parts: readonly string[]): number {
  const digest = createHash('sha256')
    .update([world.seed, ...parts].join('\0'))
    .digest();
  return digest.readUIntBE(0, 6) / 2 ** 48;
}

export function pick<T>(list: readonly [T, ...T[]], world: World, ...parts: readonly string[]): T {
  return list[Math.floor(fraction(world, ...parts) * list.length)] ?? list[0];
}

/** A whole number from `low` to `high`, both included. */
export function between(low: number, high: number, world: World, ...parts: readonly string[]): number {
  return low + Math.floor(fraction(world, ...parts) * (high - low + 1));
}

/** `i-0` and 16 hex digits. */
export function idOf(prefix: string, world: World, ...parts: readonly string[]): string {
  return `${prefix}-0${createHash('sha256')
    .update([world.seed, 'id', ...parts].join('\0'))
    .digest('hex')
    .slice(0, 16)}`;
}

export const daysAgo = (world: World, days: number): Instant => world.now - Math.round(days * DAY);

/** A team, the people who own its resources and what it works on. They are in `config/directory.yaml` too, so that notices find someone. */
export interface Team {
  readonly costCenter: string;
  readonly owners: readonly [string, ...string[]];
  readonly projects: readonly [string, ...string[]];
}

export const TEAMS: readonly [Team, ...Team[]] = [
  { costCenter: 'CC-001234', owners: ['dana@company.com', 'erik@company.com'], projects: ['alpha', 'checkout'] },
  { costCenter: 'CC-002100', owners: ['grace@company.com', 'henry@company.com'], projects: ['data-platform', 'reporting'] },
  { costCenter: 'CC-003300', owners: ['iris@company.com', 'jonas@company.com'], projects: ['search', 'recommendations'] },
  { costCenter: 'CC-004500', owners: ['kim@company.com', 'lena@company.com'], projects: ['mobile-api', 'identity'] },
  { costCenter: 'CC-005600', owners: ['mara@company.com', 'nils@company.com'], projects: ['build-farm', 'observability'] },
];

export type Environment = 'production' | 'staging' | 'development' | 'sandbox';

export function requiredTags(
  world: World,
  team: Team,
  environment: Environment,
  project: string,
  ...parts: readonly string[]
): Record<string, string> {
  return { 'cost-center': team.costCenter, environment, owner: pick(team.owners, world, 'owner', ...parts), project };
}
