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
  /** Empty where the source does not say. */
  readonly arch: string;
  /** On demand, Linux, in the one region that the source has prices of. */
  readonly hourly: Decimal | null;
}

export interface VolumeType {
  readonly name: string;
  /** `standard`, `ssd`, `provisioned-iops` or `archive`. */
  readonly volumeClass: string;
  readonly gbMonth: Decimal;
  readonly iopsMonth: Decimal | null;
  readonly mbpsMonth: Decimal | null;
  readonly requestsMillion: Decimal | null;
  readonly includedIops: number;
  readonly includedMbps: number;
}

export interface UnitPrice {
  readonly type: string;
  readonly unit: 'hour' | 'gb-month';
  readonly price: Decimal;
}

/** Rows of a file under `data/`; `name` is relative to it. */
export function readDataCsv(name: string): Record<string, string>[] {
  return parseCsv(readFile(name));
}

const readFile = (name: string): string => readFileSync(join(packageRoot, 'data', name), 'utf8');

/**
 * The fields of these columns in each row of one of our own tables, which quote nothing: many times quicker than reading CSV in general.
 * A column that the table does not have is empty.
 * @throws Error for a file with quotes
 */
function readTable(name: string, columns: readonly string[]): string[][] {
  const text = readFile(name);
  if (text.includes('"')) throw new Error(`a quote in \`data/${name}\`: this table has plain fields only`);
  const [header = '', ...lines] = text.trimEnd().split('\n');
  const names = header.split(',');
  const places = columns.map((column) => names.indexOf(column));
  return lines.map((line) => {
    const fields = line.split(',');
    return places.map((place) => fields[place] ?? '');
  });
}

const decimal = (text = ''): Decimal | null => text || null;

function readInstanceTypes(name: string, priceColumn: string): InstanceType[] {
  const rows = readTable(name, ['type', 'vcpus', 'memory_gb', 'family', 'arch', priceColumn]);
  return rows.map(([type = '', vcpus, memoryGb, family = '', arch = '', hourly]) => ({
    name: type,
    vcpus: Number(vcpus),
    memoryGb: Number(memoryGb),
    family,
    arch,
    hourly: decimal(hourly),
  }));
}

/** EC2 types and those RDS classes whose specs are known. */
export function readAwsTypes(): InstanceType[] {
  const files = ['aws-instance-types.csv', 'aws-rds-instance-types.csv'];
  return files.flatMap((name) => readInstanceTypes(name, 'us_east_1_hourly_usd')).filter(({ vcpus }) => vcpus > 0);
}

export const readGcpTypes = (): InstanceType[] => readInstanceTypes('gcp-machine-types.csv', 'us_central1_hourly_usd');

export const readAzureTypes = (): InstanceType[] => readInstanceTypes('azure-vm-sizes.csv', 'eastus_hourly_usd');

export function readVolumeTypes(): VolumeType[] {
  const prices = ['us_east_1_gb_month_usd', 'us_east_1_iops_month_usd', 'us_east_1_mbps_month_usd', 'us_east_1_million_requests_usd'];
  const rows = readTable('aws-volume-types.csv', ['type', 'volume_class', ...prices, 'included_iops', 'included_mbps']);
  return rows.map(([name = '', volumeClass = '', gbMonth = '', iopsMonth, mbpsMonth, requestsMillion, includedIops, includedMbps]) => ({
    name,
    volumeClass,
    gbMonth,
    iopsMonth: decimal(iopsMonth),
    mbpsMonth: decimal(mbpsMonth),
    requestsMillion: decimal(requestsMillion),
    includedIops: Number(includedIops),
    includedMbps: Number(includedMbps),
  }));
}

export function readUnitPrices(): UnitPrice[] {
  const rows = readTable('aws-unit-prices.csv', ['type', 'unit', 'us_east_1_usd']);
  return rows.map(([type = '', unit, price = '']) => ({ type, unit: unit === 'hour' ? 'hour' : 'gb-month', price }));
}
