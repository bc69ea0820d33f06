/** Kinds that cost nothing by themselves: a role, a route, a rule. Known to be free, they leave the cost of a plan exact. */

/** By provider; each stands for itself and for those that go on behind a dash (`iam` for `iam-role`), with a full stop for itself only. */
const FREE: Readonly<Record<string, string>> = {
  aws: `
    alb-listener-certificate alb-listener-rule alb-listener. alb-target-group ami-launch-permission appautoscaling
    autoscaling-attachment autoscaling-lifecycle-hook autoscaling-notification autoscaling-policy autoscaling-schedule
    cloudfront-origin-access cloudwatch-event-permission cloudwatch-event-rule cloudwatch-event-target cloudwatch-log-metric-filter
    cloudwatch-log-resource-policy cloudwatch-log-stream customer-gateway db-event-subscription db-option-group db-parameter-group
    db-subnet-group default-network-acl default-route-table default-security-group default-subnet default-vpc
    docdb-cluster-parameter-group docdb-subnet-group ec2-tag ecr-lifecycle-policy ecr-repository-policy ecs-capacity-provider
    ecs-cluster-capacity-providers ecs-cluster. ecs-task-definition. efs-access-point efs-file-system-policy efs-mount-target
    egress-only-internet-gateway eip-association eks-access eks-addon eks-identity-provider-config eks-pod-identity-association
    elasticache-parameter-group elasticache-subnet-group elb-attachment iam internet-gateway key-pair kms-alias kms-grant
    kms-key-policy lambda-alias lambda-event-source-mapping lambda-layer-version lambda-permission launch-configuration
    launch-template lb-cookie-stickiness-policy lb-listener-certificate lb-listener-rule lb-listener. lb-ssl-negotiation-policy
    lb-target-group load-balancer-policy main-route-table-association network-acl network-interface placement-group
    proxy-protocol-policy ram rds-cluster-parameter-group redshift-parameter-group redshift-subnet-group route route-table
    route53-record route53-zone-association s3-bucket-acl s3-bucket-cors-configuration s3-bucket-lifecycle-configuration
    s3-bucket-logging s3-bucket-notification s3-bucket-object-lock-configuration s3-bucket-ownership-controls s3-bucket-policy
    s3-bucket-public-access-block s3-bucket-server-side-encryption-configuration s3-bucket-versioning
    s3-bucket-website-configuration secretsmanager-secret-policy security-group sns-topic-policy sns-topic-subscription
    sqs-queue-policy subnet volume-attachment vpc-dhcp-options vpc-endpoint-policy vpc-endpoint-route-table-association
    vpc-endpoint-subnet-association vpc-ipv4-cidr-block-association vpc-peering-connection vpc-security-group vpc.
    vpn-connection-route vpn-gateway
  `,
  gcp: `
    compute-attached-disk compute-backend-service compute-firewall compute-health-check compute-http-health-check
    compute-instance-template compute-network compute-project-metadata compute-region-backend-service compute-region-health-check
    compute-region-instance-template compute-route compute-router-interface compute-router-peer compute-router. compute-ssl-policy
    compute-subnetwork compute-target-http-proxy compute-target-https-proxy compute-url-map folder kms-crypto-key-iam
    organization-iam project-iam project-service service-account sql-database. sql-user. storage-bucket-acl storage-bucket-iam
    storage-default-object-acl
  `,
  azure: `
    application-security-group availability-set key-vault-access-policy lb-backend-address-pool lb-nat-rule lb-probe lb-rule
    management-group. management-lock mssql-firewall-rule mysql-firewall-rule nat-gateway-public-ip-association network-interface
    network-security-group network-security-rule policy postgresql-configuration postgresql-firewall-rule proximity-placement-group
    resource-group role-assignment role-definition route-table route. storage-container subnet user-assigned-identity
    virtual-machine-data-disk-attachment virtual-network-dns-servers virtual-network.
  `,
};

const NAMES: readonly string[] = Object.entries(FREE).flatMap(([provider, kinds]) =>
  kinds
    .trim()
    .split(/\s+/)
    .map((kind) => `${provider}/${kind}`),
);
const BEGINNINGS: ReadonlySet<string> = new Set(NAMES.filter((name) => !name.endsWith('.')));
const ALONE: ReadonlySet<string> = new Set(NAMES.filter((name) => name.endsWith('.')));

/** Providers that make nothing outside of the configuration. */
const OF_THE_CONFIGURATION: ReadonlySet<string> = new Set([
  'archive',
  'external',
  'http',
  'local',
  'null',
  'random',
  'template',
  'terraform',
  'time',
  'tls',
]);

/** Whether a kind under its provider's name (`aws/iam-role`) costs nothing. */
export function isFree(type: string): boolean {
  if (OF_THE_CONFIGURATION.has(type.slice(0, type.indexOf('/'))) || ALONE.has(`${type}.`) || BEGINNINGS.has(type)) return true;
  for (let dash = type.indexOf('-'); dash !== -1; dash = type.indexOf('-', dash + 1)) {
    if (BEGINNINGS.has(type.slice(0, dash))) return true;
  }
  return false;
}
