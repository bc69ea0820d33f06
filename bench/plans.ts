/** Plans of Terraform, as large as wanted. */

const TAGS = { 'cost-center': 'CC-001234', environment: 'production', owner: 'dana@company.com', project: 'web' };
const TYPES = ['m5.large', 'c5.xlarge', 'r5.2xlarge', 't3.medium', 'p3.8xlarge'];

/** One that an AWS provider would write: an instance with its root volume, or every third a volume, every third something without a price. */
function change(index: number, actions: readonly string[]): object {
  const kind = ['aws_instance', 'aws_ebs_volume', 'aws_security_group'][index % 3] as
    | 'aws_instance'
    | 'aws_ebs_volume'
    | 'aws_security_group';
  const after = { ...ATTRIBUTES[kind], instance_type: TYPES[index % TYPES.length], tags: TAGS, tags_all: TAGS, user_data: 'x'.repeat(600) };
  return {
    address: `module.app["${index % 7}"].${kind}.it[${index}]`,
    module_address: `module.app["${index % 7}"]`,
    mode: 'managed',
    type: kind,
    name: 'it',
    index,
    provider_name: 'registry.terraform.io/hashicorp/aws',
    change: { actions, before: null, after, after_unknown: UNKNOWN, before_sensitive: false, after_sensitive: { tags: {}, tags_all: {} } },
  };
}

const ATTRIBUTES = {
  aws_instance: {
    ami: 'ami-674cbc1e',
    root_block_device: [{ volume_size: 50, volume_type: 'gp3', tags: TAGS }],
    monitoring: null,
    timeouts: null,
  },
  aws_ebs_volume: { size: 200, type: 'gp3', availability_zone: 'us-east-1a', encrypted: true },
  aws_security_group: { name: 'web', ingress: [], egress: [] },
};
const UNKNOWN = Object.fromEntries(
  ['arn', 'id', 'host_id', 'key_name', 'private_ip', 'public_ip', 'subnet_id', 'tenancy', 'private_dns', 'public_dns'].map((key) => [
    key,
    true,
  ]),
);

/** The text of a plan that changes so many resources, with unchanged ones until it has so many bytes. */
export function planOf(changed: number, bytes = 0): string {
  const changes = Array.from({ length: changed }, (_, index) => change(index, ['create']));
  const size = JSON.stringify(changes).length;
  const each = JSON.stringify(change(0, ['no-op'])).length;
  const unchanged = Array.from({ length: Math.max(0, Math.ceil((bytes - size) / each)) }, (_, index) => change(changed + index, ['no-op']));
  return JSON.stringify({
    format_version: '1.2',
    terraform_version: '1.9.5',
    resource_changes: [...changes, ...unchanged],
    configuration: { provider_config: { aws: { name: 'aws', expressions: { region: { constant_value: 'us-east-1' } } } }, root_module: {} },
  });
}
