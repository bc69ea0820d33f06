/** What Infracost says of a resource besides money stands in the names and quantities of its cost components. Pure. */
import { HOURS_PER_MONTH } from '../../policy/durations.js';
import type { Specs } from '../../policy/model.js';
import type { CatalogProvider, Lookup } from '../intake.js';
import { given, numberOf, textOf } from '../loose.js';
import type { CostNode } from './cost.js';

/** `Instance usage (Linux/UNIX, on-demand, m5.4xlarge)`, `Database instance (on-demand, Single-AZ, db.t3.micro)`, `Instance usage (Linux, pay as you go, Standard_D2s_v3)`. */
const MACHINE = /^(?:Instance usage|Database instance|Instance|Compute) \((.*)\)$/;
/** `Storage (general purpose SSD, gp2)`. */
const STORAGE = /^Storage(?: \(.*, ?([\w.-]+)\))?/;

export interface MachineUsage {
  readonly specs: Specs;
  /** How many alike run all month. */
  readonly quantity: number;
}

/** The machine that a node pays for, and how often; undefined where no component is one. */
export function machineOf({ components }: CostNode, provider: CatalogProvider, lookup: Lookup): MachineUsage | undefined {
  for (const component of components) {
    const words = MACHINE.exec(textOf(component['name']) ?? '')?.[1]?.split(', ');
    const instanceType = words?.at(-1);
    if (words === undefined || instanceType === undefined) continue;
    const quantity = (numberOf(component['monthlyQuantity']) ?? HOURS_PER_MONTH) / HOURS_PER_MONTH;
    const facts = lookup.instance(provider, instanceType);
    const specs = given({ instanceType, ...facts, purchaseOption: purchaseOptionOf(words) });
    return { specs, quantity: Number.isInteger(quantity) && quantity > 0 ? quantity : 1 };
  }
  return undefined;
}

const PURCHASE_OPTIONS = ['on-demand', 'reserved', 'spot'];

function purchaseOptionOf(words: readonly string[]): string | undefined {
  return words.find((word) => PURCHASE_OPTIONS.includes(word)) ?? (words.includes('pay as you go') ? 'on-demand' : undefined);
}

/** Size, class and IOPS of one of `quantity` disks. */
export function diskOf({ components }: CostNode, provider: CatalogProvider, lookup: Lookup, quantity: number): Specs {
  const storage = components.find(({ name, unit }) => unit === 'GB' && STORAGE.test(textOf(name) ?? ''));
  const iops = components.find(({ name }) => textOf(name)?.startsWith('Provisioned IOPS') === true);
  const type = STORAGE.exec(textOf(storage?.['name']) ?? '')?.[1];
  const each = (amount: unknown) => {
    const all = numberOf(amount);
    return all === undefined ? undefined : all / quantity;
  };
  return given({
    sizeGb: each(storage?.['monthlyQuantity']),
    instanceType: type,
    volumeType: type === undefined ? undefined : lookup.volumeType(provider, type),
    iops: each(iops?.['monthlyQuantity']),
  });
}
