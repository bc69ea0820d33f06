/** Pulumi's type tokens in the names of Terraform's types. Pure. */
import { snake } from '../cloudformation/attributes.js';

/** `aws:ec2/instance:Instance`. */
const TOKEN = /^([\w-]+):([\w./-]*):([\w-]+)$/;

/** Kinds whose name does not follow from the rule. */
const NAMES: Readonly<Record<string, string>> = {
  'aws:ebs:Volume': 'aws_ebs_volume',
  'aws:ebs:Snapshot': 'aws_ebs_snapshot',
  'aws:ebs:SnapshotCopy': 'aws_ebs_snapshot_copy',
  'aws:lb:LoadBalancer': 'aws_lb',
  'aws:alb:LoadBalancer': 'aws_lb',
  'aws:elasticloadbalancingv2:LoadBalancer': 'aws_lb',
  'aws:applicationloadbalancing:LoadBalancer': 'aws_lb',
  'aws:elb:LoadBalancer': 'aws_elb',
  'aws:elasticloadbalancing:LoadBalancer': 'aws_elb',
  'aws:rds:Instance': 'aws_db_instance',
  'aws:s3:BucketV2': 'aws_s3_bucket',
  'aws:eks:NodeGroup': 'aws_eks_node_group',
  'aws:ec2:CapacityReservation': 'aws_ec2_capacity_reservation',
  'gcp:compute:RouterNat': 'google_compute_router_nat',
  'azure:storage:Account': 'azurerm_storage_account',
  'azure:keyvault:Certificate': 'azurerm_key_vault_certificate',
};

/** Modules whose kinds Terraform names without them; in Azure's classic provider that is each. */
const UNNAMED: ReadonlySet<string> = new Set(['aws:ec2', 'aws:index', 'aws:', 'gcp:index', 'tls:index', 'random:index']);
const PREFIXES: Readonly<Record<string, string>> = { aws: 'aws', gcp: 'google', azure: 'azurerm' };

export interface TypeToken {
  readonly provider: string;
  /** Without what follows a slash: `ec2` of `ec2/instance`. */
  readonly module: string;
  readonly name: string;
}

export function readTypeToken(token: string): TypeToken {
  const [, provider = 'pulumi', path = '', name = token] = TOKEN.exec(token) ?? [];
  return { provider, module: path.split('/')[0] ?? '', name };
}

/** `aws:ec2/instance:Instance` is `aws_instance`; kinds of other providers become a name of the same form. */
export function terraformTypeOf({ provider, module, name }: TypeToken): string {
  const key = `${provider}:${module}:${name}`;
  const given = Object.hasOwn(NAMES, key) ? NAMES[key] : undefined;
  if (given !== undefined) return given;
  const prefix = (Object.hasOwn(PREFIXES, provider) ? PREFIXES[provider] : undefined) ?? provider;
  const isNamed = provider !== 'azure' && module !== 'index' && !UNNAMED.has(`${provider}:${module}`);
  return [prefix, ...(isNamed && module !== '' ? [snake(module.replaceAll('.', '_'))] : []), snake(name)].join('_');
}
