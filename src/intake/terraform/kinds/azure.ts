/** Kinds of Azure's provider that have a word of their own in our model. */
import { type Attributes, firstGiven, known, mapped, type Value } from '../attributes.js';
import { type KindContext, type Kinds, type MapKind, machineSpecs, one, type Part, type Size, volumeSpecs } from '../mapping.js';
import { blocksOf } from './aws-volumes.js';

const database = (storage: (it: Attributes) => Value<number>): MapKind =>
  one('database/instance', (it, context) => ({ ...machineSpecs(it.text('sku_name'), context), storageGb: storage(it) }));
const inGb = (megabytes: Value<number>): Value<number> => mapped(megabytes, (amount) => amount / 1024);

export const AZURE_KINDS: Kinds = {
  azurerm_linux_virtual_machine: (it, context) => [machinePart(it, it.text('size'), context), ...osDisk(it, context)],
  azurerm_windows_virtual_machine: (it, context) => [
    { ...machinePart(it, it.text('size'), context), ...WITH_LICENCE },
    ...osDisk(it, context),
  ],
  azurerm_virtual_machine: (it, context) => [machinePart(it, it.text('vm_size'), context), ...olderDisks(it, context)],
  azurerm_linux_virtual_machine_scale_set: (it, context) => scaleSetParts(it, it.text('sku'), context),
  azurerm_windows_virtual_machine_scale_set: (it, context) => {
    const [machine, ...disks] = scaleSetParts(it, it.text('sku'), context);
    return machine === undefined ? disks : [{ ...machine, ...WITH_LICENCE }, ...disks];
  },
  azurerm_orchestrated_virtual_machine_scale_set: (it, context) => scaleSetParts(it, it.text('sku_name'), context),
  azurerm_managed_disk: one('storage/volume', (it, context) =>
    volumeSpecs(
      {
        sizeGb: it.number('disk_size_gb'),
        kind: it.text('storage_account_type'),
        iops: it.number('disk_iops_read_write'),
        bandwidthMbps: it.number('disk_mbps_read_write'),
      },
      context,
    ),
  ),
  azurerm_snapshot: one('storage/snapshot', (it) => ({ sizeGb: it.number('disk_size_gb') })),
  azurerm_storage_account: one('storage/bucket'),
  azurerm_kubernetes_cluster: (it, context) => [
    { type: 'azure/kubernetes-cluster' },
    ...nodePoolParts(it.at('default_node_pool', 0), context).map((part) => ({
      ...part,
      suffix: `.default_node_pool[0]${part.suffix ?? ''}`,
    })),
  ],
  azurerm_kubernetes_cluster_node_pool: (it, context) => nodePoolParts(it, context),
  azurerm_postgresql_flexible_server: database((it) => inGb(it.number('storage_mb'))),
  azurerm_mysql_flexible_server: database((it) => it.number('storage', 0, 'size_gb')),
  azurerm_postgresql_server: database((it) => inGb(it.number('storage_mb'))),
  azurerm_mysql_server: database((it) => inGb(it.number('storage_mb'))),
  azurerm_mariadb_server: database((it) => inGb(it.number('storage_mb'))),
  azurerm_mssql_database: database((it) => it.number('max_size_gb')),
  azurerm_mssql_managed_instance: one('database/instance', (it) => ({
    vcpus: it.number('vcores'),
    storageGb: it.number('storage_size_in_gb'),
  })),
  azurerm_lb: one('network/load-balancer'),
  azurerm_application_gateway: one('network/load-balancer'),
  azurerm_nat_gateway: one('network/nat-gateway'),
  azurerm_public_ip: one('network/address'),
};

/** The price list is that of Linux. */
const WITH_LICENCE = { listed: false } as const;

function machinePart(it: Attributes, type: Value<string>, context: KindContext): Part {
  const purchaseOption = known(it.text('priority')) === 'Spot' ? 'spot' : 'on-demand';
  return { type: 'compute/instance', specs: { ...machineSpecs(type, context), purchaseOption } };
}

function osDisk(it: Attributes, context: KindContext): readonly Part[] {
  return blocksOf(it, 'os_disk').map(({ block, index }) => ({
    ...diskPart(block, 'storage_account_type', context),
    suffix: `.os_disk[${index}]`,
  }));
}

function olderDisks(it: Attributes, context: KindContext): readonly Part[] {
  return ['storage_os_disk', 'storage_data_disk'].flatMap((blocks) =>
    blocksOf(it, blocks)
      .filter(({ block }) => known(block.text('create_option')) !== 'Attach')
      .map(({ block, index }) => ({ ...diskPart(block, 'managed_disk_type', context), suffix: `.${blocks}[${index}]` })),
  );
}

function diskPart(block: Attributes, kind: string, context: KindContext): Part {
  return { type: 'storage/volume', specs: volumeSpecs({ sizeGb: block.number('disk_size_gb'), kind: block.text(kind) }, context) };
}

function scaleSetParts(it: Attributes, type: Value<string>, context: KindContext): readonly Part[] {
  const size: Size = { desired: it.whole('instances') };
  return [machinePart(it, type, context), ...osDisk(it, context)].map((part) => ({ ...part, size }));
}

function nodePoolParts(it: Attributes, context: KindContext): readonly Part[] {
  const least = known(it.whole('min_count'));
  const size: Size = {
    desired: firstGiven(known(it.whole('node_count')), least, it.whole('node_count')),
    least,
    most: known(it.whole('max_count')),
  };
  const tags = { sources: [{ from: it, path: ['tags'] }], withDefaults: false };
  return [{ ...machinePart(it, it.text('vm_size'), context), size, tags }];
}
