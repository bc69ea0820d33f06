/** The header of a FOCUS bill: which version it is, and where the columns are that Tollgate reads. Pure. */
import { type Problem, TollgateError } from '../errors.js';

/** Without these a row cannot be counted; the specification has all of them as mandatory. */
const REQUIRED = [
  'BilledCost',
  'BillingAccountId',
  'BillingCurrency',
  'BillingPeriodEnd',
  'BillingPeriodStart',
  'ChargeCategory',
  'ChargeClass',
  'ChargePeriodEnd',
  'ChargePeriodStart',
  'EffectiveCost',
  'ServiceCategory',
  'ServiceName',
] as const;

/** Mandatory or conditional in some version; what a file does not have is empty. */
const OPTIONAL = ['ProviderName', 'RegionId', 'ResourceId', 'ResourceName', 'ServiceProviderName', 'SubAccountId', 'Tags'] as const;

export type FocusColumn = (typeof REQUIRED)[number] | (typeof OPTIONAL)[number];

/** The columns that a version brought; a file is of the newest version of which it has one. */
const NEW_IN: readonly (readonly [version: string, columns: readonly string[]])[] = [
  [
    '1.3',
    ['AllocatedMethodDetails', 'AllocatedMethodId', 'AllocatedResourceId', 'AllocatedResourceName', 'AllocatedTags', 'ContractApplied'],
  ],
  ['1.3', ['HostProviderName', 'ServiceProviderName']],
  ['1.2', ['BillingAccountType', 'SubAccountType', 'InvoiceId', 'PricingCurrency', 'PricingCurrencyContractedUnitPrice']],
  ['1.2', ['PricingCurrencyEffectiveCost', 'PricingCurrencyListUnitPrice']],
  ['1.1', ['CapacityReservationId', 'CapacityReservationStatus', 'CommitmentDiscountQuantity', 'CommitmentDiscountUnit']],
  ['1.1', ['ServiceSubcategory', 'SkuMeter', 'SkuPriceDetails']],
];

export interface FocusHeader {
  /** `1.0` to `1.3`. */
  readonly version: string;
  readonly length: number;
  /** Index of a column in each row; -1 for one that the file does not have. */
  readonly place: (column: FocusColumn) => number;
}

/** Names are compared without regard to case, since databases change it. @throws invalid-input that names every missing or repeated column */
export function readFocusHeader(names: readonly string[]): FocusHeader {
  const keys = names.map((name) => name.trim().toLowerCase());
  const place = (column: string) => keys.indexOf(column.toLowerCase());
  const problems: Problem[] = [
    ...REQUIRED.filter((column) => place(column) === -1).map((path) => ({
      path,
      message: 'expected this column, the file does not have it',
    })),
    ...names
      .filter((name, index) => keys.indexOf(keys[index] ?? '') !== index && name.trim() !== '')
      .map((path) => ({ path, message: 'this column is there twice' })),
  ];
  if (problems.length > 0) throw new TollgateError('invalid-input', `the header is not that of a FOCUS bill${guess(names)}`, { problems });
  const version = NEW_IN.find(([, columns]) => columns.some((column) => place(column) !== -1))?.[0] ?? '1.0';
  return { version, length: names.length, place };
}

function guess(names: readonly string[]): string {
  const only = names.length === 1 ? (names[0] ?? '') : '';
  if (only.includes(';')) return ': its fields are separated by semicolons, expected commas';
  if (only.includes('\t')) return ': its fields are separated by tabs, expected commas';
  return '';
}
