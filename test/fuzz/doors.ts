/** Every door that a stranger's document comes through, with good documents to make bad ones of. */
import { createHmac } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.js';

export const RUN_TASK_KEY = 'a key of these tests';

export interface Door {
  readonly path: string;
  readonly contentType: string;
  readonly texts: readonly string[];
  /** Of a hundred requests about. */
  readonly weight: number;
  /** Queries that mean something. */
  readonly queries?: readonly string[];
  /** What a request shows besides its body; wrong now and then is for the caller to see to. */
  readonly headersFor?: (bytes: Uint8Array) => Readonly<Record<string, string>>;
  readonly isPublic?: boolean;
  /** Of its body, where it takes less than all that is tried here. */
  readonly limitBytes?: number;
}

/** Larger ones are for the tests of their own doors: what is found in them is found in small ones, and sooner. */
const LARGEST = 20_000;

function filesOf(folder: string, ending: string): readonly string[] {
  const directory = join(packageRoot, folder);
  return readdirSync(directory)
    .filter((file) => file.endsWith(ending) && !file.includes('.schema.'))
    .map((file) => readFileSync(join(directory, file), 'utf8'))
    .filter(({ length }) => length <= LARGEST);
}
const fixtures = (folder: string, ending = '.json') => filesOf(`test/fixtures/${folder}`, ending);

const request = {
  type: 'compute/instance',
  name: 'web-1',
  namespace: 'production',
  account: '111122223333',
  region: 'us-east-1',
  tags: { 'cost-center': 'CC-001234', environment: 'test', owner: 'dana@company.com' },
  specs: { vcpus: 32, memory_gb: 128, instance_family: 'gpu', instance_type: 'p3.8xlarge' },
  cost: { hourly: '3.84', monthly: '2803.20', currency: 'USD' },
};
const single = JSON.stringify({ ...request, idempotency_key: 'build-8841', dry_run: false });
const plan = JSON.stringify({ resources: [request, { type: 'storage/volume', address: 'a.b', specs: { size_gb: 100 } }] });
const policies = filesOf('policies', '-policy.yaml');
const policyTests = filesOf('policies', '.test.yaml');
const testOf = (text: string) => JSON.stringify({ content: policies[0], test: text });

const JSON_TYPE = 'application/json';
const documentQueries = ['namespace', 'account', 'region', 'requester', 'dry_run', 'idempotency_key'];

export function signatureOf(bytes: Uint8Array): string {
  return createHmac('sha512', RUN_TASK_KEY).update(bytes).digest('hex');
}

/** `decisionId` is one that is in the log. */
export function doorsFor(decisionId: string): readonly Door[] {
  const plans = fixtures('terraform-plans');
  const reviews = fixtures('admission');
  const document = { contentType: JSON_TYPE, queries: documentQueries };
  return [
    { path: '/v1/evaluate', contentType: JSON_TYPE, texts: [single, plan], weight: 22 },
    { ...document, path: '/v1/evaluate/terraform', texts: plans, weight: 12 },
    { ...document, path: '/v1/evaluate/infracost', texts: fixtures('infracost'), weight: 8 },
    { ...document, path: '/v1/evaluate/cloudformation', texts: fixtures('cloudformation'), weight: 8 },
    {
      ...document,
      path: '/v1/evaluate/cloudformation',
      contentType: 'application/yaml',
      texts: fixtures('cloudformation/templates', '.yaml'),
      weight: 5,
    },
    { ...document, path: '/v1/evaluate/pulumi', texts: fixtures('pulumi'), weight: 8 },
    { path: '/v1/admission', contentType: JSON_TYPE, texts: reviews, queries: ['timeout', 'cluster'], weight: 7 },
    { path: '/v1/admission/east', contentType: JSON_TYPE, texts: reviews, queries: ['timeout'], weight: 4 },
    {
      path: '/v1/data/tollgate/evaluate',
      contentType: JSON_TYPE,
      texts: [...[single, plan].map((text) => `{"input":${text}}`), ...plans.map((text) => `{"input":${text}}`)],
      queries: ['pretty', 'metrics', 'provenance', 'explain'],
      weight: 8,
    },
    { path: '/v0/data/tollgate/deny', contentType: JSON_TYPE, texts: [single, ...reviews], weight: 3 },
    {
      path: '/v1/run-tasks',
      contentType: JSON_TYPE,
      texts: fixtures('run-tasks').filter((text) => text.includes('access_token')),
      headersFor: (bytes) => ({ 'x-tfc-task-signature': signatureOf(bytes) }),
      isPublic: true,
      limitBytes: 128 * 1024,
      weight: 4,
    },
    { path: '/v1/policies/validate', contentType: 'application/yaml', texts: policies, weight: 4 },
    { path: '/v1/policies/test', contentType: JSON_TYPE, texts: policyTests.map(testOf), weight: 3 },
    { path: `/v1/decisions/${decisionId}/replay`, contentType: JSON_TYPE, texts: ['{"policies":"then"}', '{"policies":"now"}'], weight: 3 },
    {
      path: '/v1/imports/focus',
      contentType: 'text/csv',
      texts: fixtures('focus', '.csv'),
      queries: ['file_name', 'cost_column'],
      weight: 1,
    },
  ];
}
