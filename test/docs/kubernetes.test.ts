/** The files for a Kubernetes cluster: what the API server would be told, and that their example is denied. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { PERMISSIONS } from '../../src/api/permissions.js';
import { createCatalog } from '../../src/cloud/catalog/catalog.js';
import { readAdmissionReview } from '../../src/intake/admission/admission-review.js';
import { packageRoot } from '../../src/package-root.js';
import { compilePolicies } from '../../src/policy/compile.js';
import { evaluateRequest } from '../../src/policy/evaluate.js';
import { compileExceptions } from '../../src/policy/exception.js';
import { parsePolicies } from '../../src/policy/parse.js';
import { blocksOf } from './blocks.js';

const file = <T>(name: string) => load(readFileSync(join(packageRoot, 'docs/integrations/kubernetes', name), 'utf8')) as T;

interface Webhook {
  readonly admissionReviewVersions: readonly string[];
  readonly clientConfig: { readonly url: string };
  readonly sideEffects: string;
  readonly timeoutSeconds: number;
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly operations: readonly string[];
    readonly resources: readonly string[];
  }[];
}
const [webhook] = file<{ webhooks: readonly Webhook[] }>('validating-webhook.yaml').webhooks;

/** As the API server calls its resources. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  '': ['Pod', 'PersistentVolumeClaim'],
  apps: ['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet'],
  batch: ['Job', 'CronJob'],
};

describe('the webhook', () => {
  test('speaks the version that is answered, to a route that there is, without what an address of a webhook may not have', () => {
    expect(webhook).toMatchObject({ admissionReviewVersions: ['v1'], sideEffects: 'NoneOnDryRun' });
    const url = new URL(webhook?.clientConfig.url ?? '');
    expect([url.protocol, url.search, url.hash, url.username]).toEqual(['https:', '', '', '']);
    expect(Object.keys(PERMISSIONS)).toContain(`POST ${url.pathname.replace(/[^/]+$/, '{cluster}')}`);
  });

  test('asks about every kind that is judged, and about no other', () => {
    const asked = (webhook?.rules ?? []).flatMap(({ apiGroups, resources }) =>
      apiGroups.map((group) => [group, resources.filter((name) => !name.includes('/'))] as const),
    );
    const expected = Object.entries(KINDS).map(([group, kinds]) => [group, kinds.map((kind) => `${kind.toLowerCase()}s`)]);
    const sorted = (rows: readonly (readonly [string, readonly string[]])[]) => rows.map(([group, names]) => [group, [...names].sort()]);
    expect(sorted(asked)).toEqual(sorted(expected as [string, string[]][]));
    for (const { operations } of webhook?.rules ?? []) expect(operations).toEqual(['CREATE', 'UPDATE']);
  });

  test('the token is for the host of the webhook', () => {
    const { users } = file<{ users: readonly { name: string; user: { token: string } }[] }>('webhook-kubeconfig.yaml');
    expect(users.map(({ name }) => name)).toEqual([new URL(webhook?.clientConfig.url ?? '').host]);
    const { plugins } = file<{ plugins: readonly { name: string; configuration: { kubeConfigFile: string } }[] }>(
      'admission-configuration.yaml',
    );
    expect(plugins[0]?.name).toBe('ValidatingAdmissionWebhook');
    expect(plugins[0]?.configuration.kubeConfigFile).toMatch(/\/webhook-kubeconfig\.yaml$/);
  });
});

test('the example is denied by the policy of the page', () => {
  const policy = blocksOf('docs/kubernetes.md').find(({ language }) => language === 'yaml')?.text ?? '';
  const { documents } = parsePolicies(policy, 'docs/kubernetes.md');
  const object = file<{ metadata: { namespace: string } }>('too-large.yaml');
  const request = {
    uid: 'u',
    kind: { group: 'apps', kind: 'Deployment' },
    operation: 'CREATE',
    namespace: object.metadata.namespace,
    object,
  };
  const document = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request };
  const { intake } = readAdmissionReview(document, { cluster: 'prod-1', lookup: createCatalog().lookup });
  const compiled = compilePolicies(documents.map((one) => ({ version: '1.0.0', policy: one.policy })));
  const { decision, violations } = evaluateRequest(compiled, compileExceptions([]), { resources: intake?.resources ?? [] }, 0);
  expect(decision).toBe('deny');
  expect(violations.map(({ message }) => message)).toEqual(['Requested 100 vCPUs exceeds limit of 64']);
});
