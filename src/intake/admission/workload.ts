/** Kubernetes objects in our words. A workload is one resource whose specs are those of all its pods together. Pure. */
import { z } from 'zod';
import { TollgateError } from '../../errors.js';
import type { Resource, Specs } from '../../policy/model.js';
import { findingsIn } from '../../policy/schema-issues.js';
import { blankResource, type CatalogProvider, type Intake, type Lookup } from '../intake.js';
import { type Claim, claim, cronJob, daemonSet, job, type Metadata, type PodSpec, pod, replicated } from './kubernetes.js';
import { podResources } from './pod-resources.js';
import { toGibibytes } from './quantity.js';

/** Where an object is, and what looks up the type of a storage class. */
export interface Place {
  readonly namespace: string | null;
  /** The name of the cluster, as the caller calls it. */
  readonly cluster: string | null;
  /** As the request has it: an object that is being made may not have it yet. */
  readonly name: string | null;
  readonly volumeType: Lookup['volumeType'];
}

/** What an object asks for. @throws invalid-input with the path of each value that cannot be read */
type Read = (object: unknown, place: Place) => Intake;

/** Kinds that are judged, by group and kind; whatever the version, their specs are alike. */
const READERS: ReadonlyMap<string, Read> = new Map<string, Read>([
  ['/Pod', reader(pod, ({ metadata, spec }, place) => only(workload('pod', { metadata, spec, pods: 1 }, place)))],
  ['apps/Deployment', reader(replicated, (object, place) => replicas('deployment', object, place))],
  ['apps/ReplicaSet', reader(replicated, (object, place) => replicas('replicaset', object, place))],
  ['apps/StatefulSet', reader(replicated, statefulSet)],
  ['apps/DaemonSet', reader(daemonSet, perNode)],
  ['batch/Job', reader(job, (object, place) => jobs('job', object.metadata, object.spec, place))],
  ['batch/CronJob', reader(cronJob, (object, place) => jobs('cronjob', object.metadata, object.spec.jobTemplate.spec, place))],
  ['/PersistentVolumeClaim', reader(claim, (object, place) => only(volume(object, place)))],
]);

export function readerOf(group: string, kind: string): Read | undefined {
  return READERS.get(`${group}/${kind}`);
}

function reader<S extends z.ZodType>(schema: S, read: (object: z.output<S>, place: Place) => Intake): Read {
  return (object, place) => read(parse(schema, object, 'request.object'), place);
}

/** @throws invalid-input with the path of each value that cannot be read */
export function parse<S extends z.ZodType>(schema: S, value: unknown, at: string): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = findingsIn(result.error, value).map(({ path, message }) => ({
    path: [at, ...path.map(String)].filter((part) => part !== '').join('.'),
    message,
  }));
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  throw new TollgateError('invalid-input', `${count} in the AdmissionReview`, { problems });
}

interface Pods {
  readonly metadata: Metadata | undefined;
  readonly spec: PodSpec;
  /** How many of them. */
  readonly pods: number;
}

function workload(kind: string, { metadata, spec, pods }: Pods, place: Place): Resource {
  return { ...placed(`kubernetes/${kind}`, metadata, place), specs: pods === 0 ? { vcpus: 0, memoryGb: 0 } : specsOf(spec, pods) };
}

function specsOf(spec: PodSpec, pods: number): Specs {
  const { millicores, bytes } = podResources(spec);
  return {
    ...(millicores === undefined ? {} : { vcpus: (millicores * pods) / 1_000 }),
    ...(bytes === undefined ? {} : { memoryGb: toGibibytes(bytes * pods) }),
  };
}

function placed(type: string, metadata: Metadata | undefined, { namespace, cluster, name }: Place): Resource {
  return {
    ...blankResource(type),
    provider: 'kubernetes',
    account: cluster,
    namespace,
    name: metadata?.name ?? name ?? metadata?.generateName ?? null,
    tags: metadata?.labels ?? {},
  };
}

function only(resource: Resource, notices: readonly string[] = []): Intake {
  return { resources: [resource], notices };
}

type Replicated = z.output<typeof replicated>;

function replicas(kind: string, { metadata, spec }: Replicated, place: Place): Intake {
  return only(workload(kind, { metadata, spec: spec.template.spec, pods: spec.replicas ?? 1 }, place));
}

/** Its pods, and for each of its claim templates as many volumes as it has pods. */
function statefulSet(object: Replicated, place: Place): Intake {
  const { resources, notices } = replicas('statefulset', object, place);
  const owner = resources[0]?.name ?? 'statefulset';
  const volumes = (object.spec.volumeClaimTemplates ?? []).map((template) => ({
    ...volume(template, { ...place, name: null }),
    name: `${template.metadata?.name ?? 'volume'}-${owner}`,
    quantity: object.spec.replicas ?? 1,
  }));
  return { resources: [...resources, ...volumes], notices };
}

function perNode({ metadata, spec }: z.output<typeof daemonSet>, place: Place): Intake {
  const resource = workload('daemonset', { metadata, spec: spec.template.spec, pods: 1 }, place);
  return only(resource, ['a DaemonSet runs a pod on each node that it matches; it was judged as one pod']);
}

/** Pods that run at a time: more than what is left to complete are never started. */
function jobs(kind: string, metadata: Metadata | undefined, spec: z.output<typeof job>['spec'], place: Place): Intake {
  const pods = Math.min(spec.parallelism ?? 1, spec.completions ?? Number.POSITIVE_INFINITY);
  return only(workload(kind, { metadata, spec: spec.template.spec, pods }, place));
}

const CLOUDS: readonly CatalogProvider[] = ['aws', 'gcp', 'azure'];

/** A storage class has any name its cluster gives it; where it is that of a cloud's volume type (`gp3`), the type is known. */
function volume({ metadata, spec }: Claim, place: Place): Resource {
  const bytes = spec.resources?.requests?.storage;
  const type = CLOUDS.map((cloud) => place.volumeType(cloud, spec.storageClassName ?? '')).find((found) => found !== undefined);
  const specs: Specs = {
    ...(bytes === undefined ? {} : { sizeGb: toGibibytes(bytes) }),
    ...(type === undefined ? {} : { volumeType: type }),
  };
  return { ...placed('storage/volume', metadata, place), specs };
}
