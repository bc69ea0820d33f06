/** Bills made for tests: rows of a FOCUS file by what differs from a usual one. */
import { Readable } from 'node:stream';

const USUAL = {
  BilledCost: '2',
  BillingAccountId: 'payer-1',
  BillingCurrency: 'USD',
  BillingPeriodEnd: '2026-10-01T00:00:00Z',
  BillingPeriodStart: '2026-09-01T00:00:00Z',
  ChargeCategory: 'Usage',
  ChargeClass: '',
  ChargePeriodEnd: '2026-09-02T00:00:00Z',
  ChargePeriodStart: '2026-09-01T00:00:00Z',
  EffectiveCost: '1.5',
  ProviderName: 'AWS',
  RegionId: 'us-east-1',
  ResourceId: 'i-1',
  ResourceName: '',
  ServiceCategory: 'Compute',
  ServiceName: 'Amazon EC2',
  SubAccountId: '111122223333',
  Tags: '{"owner":"dana@company.com"}',
};

export const COLUMNS = Object.keys(USUAL);
export type BillRow = Partial<Record<keyof typeof USUAL, string>>;

const field = (value: string): string => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

export const headerOf = (columns: readonly string[] = COLUMNS): string => `${columns.join(',')}\n`;
export const rowOf = (row: BillRow = {}): string =>
  `${Object.values({ ...USUAL, ...row })
    .map(field)
    .join(',')}\n`;
export const billOf = (...rows: readonly BillRow[]): string => headerOf() + rows.map(rowOf).join('');

/** In pieces of so many bytes, so that every seam falls somewhere. */
export function inPieces(bytes: string | Buffer, size = 1_000): Readable {
  const all = Buffer.from(bytes);
  const pieces = Array.from({ length: Math.ceil(all.length / size) }, (_, index) => all.subarray(index * size, (index + 1) * size));
  return Readable.from(pieces, { objectMode: false });
}
