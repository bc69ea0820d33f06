/** Inputs of Pulumi's classic providers in the form of Terraform's attributes, which they are made from. Pure. */
import { snake } from '../cloudformation/attributes.js';
import { isKeys, type Keys } from '../loose.js';
import { UNKNOWN } from '../terraform/attributes.js';

/** Written by the engine in place of what is known only after the update. */
const UNKNOWN_TEXT = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';
/** The key that marks an object as a special value: a secret, an asset, an output. */
const SPECIAL = '4dabf18193072939515e22adb298388d';

/** Objects that are maps of their own, whose keys are not attributes. */
const MAPS: ReadonlySet<string> = new Set([
  'tags',
  'tagsAll',
  'volumeTags',
  'labels',
  'effectiveLabels',
  'pulumiLabels',
  'userLabels',
  'resourceLabels',
  'metadata',
  'annotations',
  'variables',
]);

/** Blocks that Pulumi puts in the plural, where Terraform repeats a block in the singular. */
const SINGULAR: Readonly<Record<string, string>> = {
  ebsBlockDevices: 'ebs_block_device',
  ephemeralBlockDevices: 'ephemeral_block_device',
  networkInterfaces: 'network_interface',
  overrides: 'override',
  attachedDisks: 'attached_disk',
  scratchDisks: 'scratch_disk',
  guestAccelerators: 'guest_accelerator',
  storageDataDisks: 'storage_data_disk',
  dataDisks: 'data_disk',
  disks: 'disk',
  pulumiLabels: 'terraform_labels',
};

/** Objects become blocks, which Terraform keeps in lists; `UNKNOWN` stands for what is not known, and for secrets. */
export function toAttributes(inputs: Keys): Keys {
  const entries = Object.entries(inputs).filter(([key]) => !key.startsWith('__'));
  return Object.fromEntries(entries.map(([key, value]) => [nameOf(key, value), valueOf(key, value)]));
}

function nameOf(key: string, value: unknown): string {
  // tags of an autoscaling group are blocks
  if (key === 'tags' && Array.isArray(value)) return 'tag';
  return (Object.hasOwn(SINGULAR, key) ? SINGULAR[key] : undefined) ?? snake(key);
}

function valueOf(key: string, value: unknown): unknown {
  if (isHidden(value)) return UNKNOWN;
  if (Array.isArray(value)) return value.map((item) => itemOf(item));
  if (!isKeys(value)) return value;
  return MAPS.has(key) ? plainMap(value) : [toAttributes(value)];
}

function itemOf(item: unknown): unknown {
  if (isHidden(item)) return UNKNOWN;
  return isKeys(item) ? toAttributes(item) : item;
}

function plainMap(value: Keys): Keys {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== '__defaults')
      .map(([key, item]) => [key, isHidden(item) ? UNKNOWN : item]),
  );
}

function isHidden(value: unknown): boolean {
  if (typeof value === 'string') return value === '[secret]' || value === '[unknown]' || value.includes(UNKNOWN_TEXT);
  return isKeys(value) && Object.hasOwn(value, SPECIAL);
}

/** The inputs as they are, with `UNKNOWN` where one is hidden: for providers that do not follow Terraform. */
export function hiddenInputs(inputs: Keys): Keys {
  return hide(inputs) as Keys;
}

function hide(value: unknown): unknown {
  if (isHidden(value)) return UNKNOWN;
  if (Array.isArray(value)) return value.map(hide);
  if (!isKeys(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, hide(item)]));
}
