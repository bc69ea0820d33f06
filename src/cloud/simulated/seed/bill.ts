import { HOUR } from '../../../policy/durations.js';
import type { Cost, Decimal } from '../../../policy/model.js';
import { divide, isNegative, monthlyFromHourly, sum } from '../../../policy/money.js';
import { readDataCsv } from '../../catalog/tables.js';
import { typeOf } from './kinds.js';

/** One charge of the sample bill, as far as the cloud is made from it. */
interface Charge {
  readonly line: string;
  readonly description: string;
  readonly cost: Decimal;
  readonly hours: number;
  readonly quantity: number;
  readonly unit: string;
}

/** All that the sample bill says of one resource. */
export interface BilledResource {
  readonly id: string;
  /** `AWS`, `Microsoft` or `Oracle`. */
  readonly cloud: string;
  readonly type: string;
  readonly name: string | null;
  readonly account: string;
  readonly region: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly charges: readonly Charge[];
}

type Row = Readonly<Record<string, string>>;

/** The sample writes an empty value as the word NULL. */
function value(row: Row, column: string): string | null {
  const text = row[column] ?? '';
  return text === '' || text === 'NULL' ? null : text;
}

/** `2024-09-01 00:00:00`, which is UTC. */
function instant(row: Row, column: string): number {
  return Date.parse(`${row[column]?.replace(' ', 'T')}Z`);
}

function toCharge(row: Row): Charge {
  return {
    line: value(row, 'SkuPriceId') ?? row['ChargeDescription'] ?? '',
    description: row['ChargeDescription'] ?? '',
    cost: row['BilledCost'] ?? '0',
    hours: (instant(row, 'ChargePeriodEnd') - instant(row, 'ChargePeriodStart')) / HOUR,
    quantity: Number(value(row, 'ConsumedQuantity') ?? 0),
    unit: value(row, 'ConsumedUnit') ?? '',
  };
}

function toTags(row: Row): Record<string, string> {
  const tags: unknown = JSON.parse(value(row, 'Tags') ?? '{}');
  return Object.fromEntries(Object.entries(tags as Record<string, unknown>).map(([key, tag]) => [key, String(tag)]));
}

function toResource(id: string, rows: readonly [Row, ...Row[]]): BilledResource {
  const [first] = rows;
  return {
    id,
    cloud: first['ProviderName'] ?? '',
    type: typeOf({
      provider: first['ProviderName'] ?? '',
      service: first['ServiceName'] ?? '',
      resourceType: value(first, 'ResourceType') ?? '',
      id,
    }),
    name: value(first, 'ResourceName'),
    account: first['SubAccountId'] ?? '',
    region: value(first, 'RegionId'),
    tags: toTags(rows.find((row) => value(row, 'Tags') !== null) ?? first),
    charges: rows.map(toCharge),
  };
}

/** The resources of the sample bill in the order they first appear; rows without a resource id are none. */
export function readBilledResources(): BilledResource[] {
  const rowsById = new Map<string, [Row, ...Row[]]>();
  for (const row of readDataCsv('focus/focus-1.0-sample-1000.csv')) {
    const id = value(row, 'ResourceId');
    if (id === null) continue;
    const rows = rowsById.get(id);
    if (rows === undefined) rowsById.set(id, [row]);
    else rows.push(row);
  }
  return [...rowsById].map(([id, rows]) => toResource(id, rows));
}

const UNKNOWN: Cost = { hourly: null, monthly: null, source: 'none' };
const HOURLY_PLACES = 12;

const withoutTrailingZeros = (amount: Decimal): Decimal => amount.replace(/\.?0+$/, '');

/**
 * The hourly cost by the sample bill: for each price line the average over the hours it was charged for, all lines together.
 * `BilledCost` is read: this sample's `EffectiveCost` of Amazon is rounded to whole dollars. Negative charges give money back for the past
 * and say nothing about the next hour, so they are left out; a resource with nothing else has no known cost. A bill of zero is zero.
 */
export function costOf(charges: readonly Charge[]): Cost {
  const byLine = new Map<string, { cost: Decimal; hours: number }>();
  for (const { line, cost, hours } of charges) {
    if (isNegative(cost)) continue;
    const before = byLine.get(line) ?? { cost: '0', hours: 0 };
    byLine.set(line, { cost: sum([before.cost, cost]), hours: before.hours + hours });
  }
  if (byLine.size === 0) return UNKNOWN;
  const hourly = withoutTrailingZeros(sum([...byLine.values()].map(({ cost, hours }) => divide(cost, String(hours), HOURLY_PLACES))));
  return { hourly, monthly: monthlyFromHourly(hourly), source: 'bill' };
}
