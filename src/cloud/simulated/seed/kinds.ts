/** What kind of thing a row of the sample bill is about. The sample's ids are anonymized by replacing letters, hence the odd words. */
export interface BilledThing {
  readonly provider: string;
  readonly service: string;
  readonly resourceType: string;
  readonly id: string;
}

type Matcher = readonly [pattern: RegExp, type: string];

/** By the id, which for Amazon says more than the service: an instance's data transfer is billed under several. First match wins. */
const AWS_IDS: readonly Matcher[] = [
  [/^i-|:instanle\//, 'compute/instance'],
  [/^vom-/, 'storage/volume'],
  [/:snapseot\//, 'storage/snapshot'],
  [/:natgatetal\//, 'network/nat-gateway'],
  [/:emastil-ip\//, 'network/address'],
  [/:moalfamanler\//, 'network/load-balancer'],
  [/:rls:.*:lf:/, 'database/instance'],
  [/:rls:.*:lmuster:/, 'aws/rds-cluster'],
  [/:nettorf-interbale\//, 'aws/network-interface'],
  [/^vpn-|:vpn-lonneltion\//, 'aws/vpn-connection'],
  [/:bunltion:/, 'aws/lambda-function'],
  [/:mogs:/, 'aws/log-group'],
  [/:els:.*:tasf\//, 'aws/ecs-task'],
];

const AWS_SERVICES: Readonly<Record<string, string>> = {
  'Amazon Simple Storage Service': 'storage/bucket',
  'AWS Key Management Service': 'aws/kms-key',
  'AWS Security Hub': 'aws/securityhub-hub',
  'AWS Step Functions': 'aws/state-machine',
  'AWS WAF': 'aws/web-acl',
  'Amazon API Gateway': 'aws/api-stage',
  'Amazon CloudFront': 'aws/cloudfront-distribution',
  'Amazon DynamoDB': 'aws/dynamodb-table',
  'Amazon EC2 Container Registry (ECR)': 'aws/ecr-repository',
  'Amazon Elastic Container Service for Kubernetes': 'aws/eks-cluster',
  'Amazon Elastic File System': 'aws/efs-file-system',
  'Amazon Route 53': 'aws/hosted-zone',
  'Amazon Simple Notification Service': 'aws/sns-topic',
  'Amazon Simple Queue Service': 'aws/sqs-queue',
};

const OTHER_CLOUDS: Readonly<Record<string, string>> = {
  Disk: 'storage/volume',
  'MySQL server': 'database/instance',
  'Storage account': 'azure/storage-account',
  'Kubernetes service': 'azure/kubernetes-service',
  'Azure Machine Learning workspace': 'azure/machine-learning-workspace',
  'Virtual machine scale set': 'azure/virtual-machine-scale-set',
  bootvolume: 'storage/volume',
  instance: 'compute/instance',
  vnic: 'oracle/vnic',
};

const PROVIDERS: Readonly<Record<string, string>> = { AWS: 'aws', Microsoft: 'azure', Oracle: 'oracle' };

const kebab = (words: string): string =>
  words
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');

/** `family/kind`; what has no family of ours is kept as `provider/kind`, never dropped. */
export function typeOf(thing: BilledThing): string {
  const mapped =
    thing.provider === 'AWS'
      ? (AWS_IDS.find(([pattern]) => pattern.test(thing.id))?.[1] ?? AWS_SERVICES[thing.service])
      : OTHER_CLOUDS[thing.resourceType];
  return mapped ?? `${PROVIDERS[thing.provider] ?? kebab(thing.provider)}/${kebab(thing.resourceType || thing.service)}`;
}
