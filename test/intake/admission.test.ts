import { readdirSync, readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { createCatalog } from '../../src/cloud/catalog/catalog.js';
import { TollgateError } from '../../src/errors.js';
import { type AdmissionQuestion, readAdmissionReview } from '../../src/intake/admission/admission-review.js';
import { parseQuantity, toGibibytes, toMillicores } from '../../src/intake/admission/quantity.js';
import type { Resource } from '../../src/policy/model.js';

const { lookup } = createCatalog();
const read = (document: unknown, cluster: string | null = 'prod-1'): AdmissionQuestion =>
  readAdmissionReview(document, { cluster, lookup });

type Amounts = Readonly<Record<string, unknown>>;
interface Shorthand {
  readonly kind: string;
  readonly metadata?: object;
  readonly containers?: readonly { readonly requests?: Amounts; readonly limits?: Amounts; readonly restartPolicy?: string }[];
  readonly initContainers?: Shorthand['containers'];
  readonly overhead?: Amounts;
  readonly resources?: object;
  readonly [key: string]: unknown;
}
interface Case {
  readonly note: string;
  readonly object: Shorthand;
  readonly group?: string;
  readonly operation?: string;
  readonly subResource?: string;
  readonly want?: readonly object[];
  readonly nothing?: boolean;
  readonly notices?: number;
}

const GROUPS: Readonly<Record<string, string>> = { Pod: '', PersistentVolumeClaim: '', Job: 'batch', CronJob: 'batch' };

/** The whole object of what a case says of it. */
function objectOf({ kind, metadata, containers, initContainers, overhead, resources, ...rest }: Shorthand): object {
  const expand = (list: Shorthand['containers']) =>
    list?.map(({ requests, limits, restartPolicy }, index) => ({ name: `c${index}`, restartPolicy, resources: { requests, limits } }));
  const pod = { containers: expand(containers), initContainers: expand(initContainers), overhead, resources };
  const job = { template: { spec: pod }, ...rest };
  const specs: Readonly<Record<string, object>> = {
    Pod: pod,
    PersistentVolumeClaim: { resources, ...rest },
    CronJob: { schedule: '@daily', jobTemplate: { spec: job } },
  };
  return { kind, metadata: metadata ?? { name: 'web' }, spec: specs[kind] ?? job };
}

function reviewOf({ object, group, operation = 'CREATE', subResource }: Omit<Case, 'note'>, more: object = {}): unknown {
  const kind = { group: group ?? GROUPS[object.kind] ?? 'apps', version: 'v1', kind: object.kind };
  const request = { uid: 'u-1', kind, operation, subResource, namespace: 'production', object: objectOf(object), ...more };
  return JSON.parse(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request }));
}

/** What is given of a resource, flat. */
function shown({ type, name, specs, quantity, previousMonthly, tags }: Resource): object {
  const labels = Object.keys(tags).length === 0 ? undefined : tags;
  return { type, name: name === 'web' ? undefined : (name ?? undefined), ...specs, quantity, previousMonthly, tags: labels };
}

describe('objects', () => {
  const cases = load(readFileSync(new URL('../cases/admission.yaml', import.meta.url), 'utf8')) as readonly Case[];
  test.each(cases.map((one) => [one.note, one] as const))('%s', (_note, one) => {
    const { intake } = read(reviewOf(one));
    if (one.nothing === true) expect(intake).toBeNull();
    else expect(intake?.resources.map(shown)).toEqual(one.want);
    expect(intake?.notices.length ?? 0).toBe(one.notices ?? 0);
  });

  test('a resource is in its namespace, in the account that is its cluster, and costs what nobody knows', () => {
    const [resource] = read(reviewOf({ object: { kind: 'Pod', containers: [] } })).intake?.resources ?? [];
    expect(resource).toMatchObject({
      provider: 'kubernetes',
      account: 'prod-1',
      namespace: 'production',
      cost: { monthly: null, source: 'none' },
    });
  });
});

describe('quantities', () => {
  test.each([
    ['1', 1],
    ['500m', 0.5],
    ['250u', 0.00025],
    ['100n', 1e-7],
    ['2k', 2_000],
    ['1M', 1e6],
    ['1G', 1e9],
    ['1T', 1e12],
    ['1P', 1e15],
    ['1E', 1e18],
    ['1Ki', 1024],
    ['1.5Gi', 1.5 * 2 ** 30],
    ['1Ti', 2 ** 40],
    ['1Pi', 2 ** 50],
    ['1Ei', 2 ** 60],
    ['1e3', 1_000],
    ['1E3', 1_000],
    ['12e-1', 1.2],
    ['+.5', 0.5],
    ['5.', 5],
    [4, 4],
    [0.5, 0.5],
    ['0', 0],
  ])('%s is %d', (text, amount) => expect(parseQuantity(text)).toBeCloseTo(amount, 12));

  test.each(['', ' ', 'm', '1 Gi', '-1', '1K', '1kk', '1e', '1e9999', 'NaN', '0x10', -1, Number.NaN, null, {}, true])(
    '%j is none',
    (text) => expect(parseQuantity(text)).toBeUndefined(),
  );

  test('a core has thousandths, rounded up; memory is in gibibytes', () => {
    expect([0.1, 0.0001, 3e-3, 1.0005].map(toMillicores)).toEqual([100, 1, 3, 1_001]);
    expect([2 ** 30, 1e9, 0].map(toGibibytes)).toEqual([1, 0.931323, 0]);
  });
});

describe('reviews', () => {
  test('uid, user and dry run are read; nothing of them has to be there but the uid', () => {
    const object: Shorthand = { kind: 'Pod', containers: [] };
    expect(read(reviewOf({ object }, { dryRun: true, userInfo: { username: 'dana' } }))).toMatchObject({
      uid: 'u-1',
      dryRun: true,
      userName: 'dana',
    });
    expect(read(reviewOf({ object }))).toMatchObject({ dryRun: false, userName: null });
  });

  test.each([
    [
      'an older version',
      { apiVersion: 'admission.k8s.io/v1beta1', kind: 'AdmissionReview', request: {} },
      'admissionReviewVersions: ["v1"]',
    ],
    ['another document', { kind: 'Pod', apiVersion: 'v1' }, 'expected a Kubernetes AdmissionReview, got a Kubernetes object'],
    ['no request', { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' }, '1 problem in the AdmissionReview'],
    ['nothing at all', null, 'expected a Kubernetes AdmissionReview'],
  ])('%s is refused in words that help', (_name, document, words) => {
    expect(() => read(document)).toThrow(words);
    expect(() => read(document)).toThrow(TollgateError);
  });

  test('every value that cannot be read is named with its path', () => {
    const object: Shorthand = { kind: 'Deployment', replicas: -1, containers: [{ requests: { cpu: 'lots', memory: '1Gb' } }] };
    const problems = (() => {
      try {
        read(reviewOf({ object }));
        return [];
      } catch (error) {
        return (error as TollgateError).problems.map(({ path }) => path);
      }
    })();
    expect(problems.sort()).toEqual([
      'request.object.spec.replicas',
      'request.object.spec.template.spec.containers.0.resources.requests.cpu',
      'request.object.spec.template.spec.containers.0.resources.requests.memory',
    ]);
  });
});

describe('recorded requests', () => {
  const folder = new URL('../fixtures/admission/', import.meta.url);
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  const recorded = (name: string) => read(JSON.parse(readFileSync(new URL(name, folder), 'utf8')));
  const summary = (name: string) => recorded(name).intake?.resources.map(({ type, specs }) => ({ type, ...specs })) ?? null;

  test('each gives what it says', () => {
    expect(Object.fromEntries(files.map((name) => [name, summary(name)]))).toEqual({
      'c7n-kube-create-pod-no-labels.json': [{ type: 'kubernetes/pod' }],
      'c7n-kube-create-pod.json': [{ type: 'kubernetes/pod' }],
      'kubewarden-deployment-replicas.json': [{ type: 'kubernetes/deployment' }],
      'kubewarden-deployment-with-limits.json': [{ type: 'kubernetes/deployment', vcpus: 0, memoryGb: 0 }],
      'kubewarden-deployment-with-requests.json': [{ type: 'kubernetes/deployment', vcpus: 0, memoryGb: 0 }],
      'kubewarden-deployment-without-resources.json': [{ type: 'kubernetes/deployment', vcpus: 0, memoryGb: 0 }],
      'kubewarden-pod-two-limits.json': [{ type: 'kubernetes/pod', vcpus: 0.005, memoryGb: 5 }],
      'kubewarden-pod-within-range.json': [{ type: 'kubernetes/pod', vcpus: 0.003, memoryGb: 3 }],
      'kubewarden-pod-without-resources.json': [{ type: 'kubernetes/pod' }],
      'kubewarden-pvc-fast-storage-class.json': [{ type: 'storage/volume', sizeGb: 4 }],
      'kubewarden-service.json': null,
      'kubewarden-statefulset.json': [{ type: 'kubernetes/statefulset' }, { type: 'storage/volume', sizeGb: 1 }],
    });
  });
});
