/** Inputs of the native providers, which are those of the clouds' own APIs, in the form of Terraform's attributes. Pure. */
import { TRANSLATED_TYPES, type Translated, translate } from '../cloudformation/attributes.js';
import { isKeys, type Keys, keysOf } from '../loose.js';
import { UNKNOWN } from '../terraform/attributes.js';
import type { TypeToken } from './type-token.js';

/** Undefined for kinds without a word of their own. `hidden` in place of a value is `UNKNOWN`. */
export function translateNative({ provider, module, name }: TypeToken, inputs: Keys): Translated | undefined {
  if (provider === 'aws-native') {
    const wanted = `aws::${module}::${name}`.toLowerCase();
    const type = TRANSLATED_TYPES.find((each) => each.toLowerCase() === wanted);
    return translate(type ?? `AWS::${module}::${name}`, keysOf(pascal(inputs)));
  }
  if (provider !== 'azure-native' || !/^compute(\/|$)/.test(module)) return undefined;
  return Object.hasOwn(AZURE, name) ? AZURE[name]?.(inputs) : undefined;
}

/** Cloud Control has CloudFormation's properties, by lower-case names. Tags are a list of `{ key, value }` or an object. */
function pascal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(pascal);
  if (!isKeys(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      PASCAL[key] ?? key.charAt(0).toUpperCase() + key.slice(1),
      key === 'tags' && isKeys(item) ? item : pascal(item),
    ]),
  );
}

const PASCAL: Readonly<Record<string, string>> = {
  dbInstanceClass: 'DBInstanceClass',
  dbInstanceIdentifier: 'DBInstanceIdentifier',
  dbClusterIdentifier: 'DBClusterIdentifier',
  dbClusterInstanceClass: 'DBClusterInstanceClass',
  multiAz: 'MultiAZ',
};

const AZURE: Readonly<Record<string, (inputs: Keys) => Translated>> = {
  VirtualMachine: (it) => {
    const { hardwareProfile: hardware, storageProfile: storage } = it;
    const { osDisk: disk } = keysOf(storage);
    const { diskSizeGB: size, managedDisk: managed } = keysOf(disk);
    return {
      type: 'azurerm_linux_virtual_machine',
      attributes: {
        ...common(it),
        name: it['vmName'],
        size: inside(hardware, 'vmSize'),
        os_disk: disk === undefined ? [] : [{ disk_size_gb: size, storage_account_type: inside(managed, 'storageAccountType') }],
      },
    };
  },
  Disk: (it) => ({
    type: 'azurerm_managed_disk',
    attributes: {
      ...common(it),
      name: it['diskName'],
      disk_size_gb: it['diskSizeGB'],
      storage_account_type: inside(it['sku'], 'name'),
      disk_iops_read_write: it['diskIOPSReadWrite'],
      disk_mbps_read_write: it['diskMBpsReadWrite'],
    },
  }),
};

function common({ location, tags }: Keys): Keys {
  return { location, tags };
}

/** What is below something unknown is so too. */
function inside(value: unknown, key: string): unknown {
  return value === UNKNOWN ? UNKNOWN : keysOf(value)[key];
}
