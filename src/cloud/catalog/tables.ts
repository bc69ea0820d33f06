import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../package-root.js';
import type { Decimal } from '../../policy/model.js';
import { parseCsv } from './csv.js';

/** A size of an instance or database. `hourly` is null where no source gives a price: unknown, not free. */
export interface InstanceType {
  readonly name: string;
  readonly vcpus: number;
  readonly memoryGb: number;
  readonly family: string;
  readonly arch: string;
  readonly hourly: Decimal | null;
}

export interface VolumeType {
  readonly name: string;
  /** `standard`, `ssd`, `provisioned-iops` or `archive`. */
  readonly volumeClass: string;
  readonly gbMonth: Decimal;
  readonly iopsMonth: Decimal | null;
  readonly mbpsMonth: Decimal | null;
  readonly includedIops: number;
  readonly includedMbps: number;
}

export interface UnitPrice {
  readonly type: string;
  readonly unit: 'hour' | 'gb-month';
  readonly price: Decimal;
}

type Row = Readonly<Record<string, string>>;

/** Rows of a file under `data/`; `name` is relative to it. */
export function readDataCsv(name: string): Record<string, string>[] {
  return parseCsv(readFileSync(join(packageRoot, 'data', name), 'utf8'));
}

const text = (row: Row, column: string): string => row[column] ?? '';
const decimal = (row: Row, column: string): Decimal | null => text(row, column) || null;

function toInstanceType(row: Row): InstanceType {
  return {
    name: text(row, 'type'),
    vcpus: Number(text(row, 'vcpus')),
    memoryGb: Number(text(row, 'memory_gb')),
    family: text(row, 'family'),
    arch: text(row, 'arch'),
    hourly: decimal(row, 'us_east_1_hourly_usd'),
  };
}

/** EC2 types and those RDS classes whose specs are known. */
export function readInstanceTypes(): InstanceType[] {
  const rows = [...readDataCsv('aws-instance-types.csv'), ...readDataCsv('aws-rds-instance-types.csv')];
  return rows.filter((row) => row['vcpus'] !== '').map(toInstanceType);
}

export function readVolumeTypes(): VolumeType[] {
  return readDataCsv('aws-volume-types.csv').map((row) => ({
    name: text(row, 'type'),
    volumeClass: text(row, 'volume_class'),
    gbMonth: text(row, 'us_east_1_gb_month_usd'),
    iopsMonth: decimal(row, 'us_east_1_iops_month_usd'),
    mbpsMonth: decimal(row, 'us_east_1_mbps_month_usd'),
    includedIops: Number(text(row, 'included_iops')),
    includedMbps: Number(text(row, 'included_mbps')),
  }));
}

export function readUnitPrices(): UnitPrice[] {
  return readDataCsv('aws-unit-prices.csv').map((row) => ({
    type: text(row, 'type'),
    unit: row['unit'] === 'hour' ? 'hour' : 'gb-month',
    price: text(row, 'us_east_1_usd'),
  }));
}
