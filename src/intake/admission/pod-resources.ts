/** What a pod reserves on its node, by the scheduler's own arithmetic. Pure. */
import type { Amounts, Container, PodSpec, Resources } from './kubernetes.js';
import { toMillicores } from './quantity.js';

type Key = 'cpu' | 'memory';

export interface PodResources {
  /** Thousandths of a core; undefined when a container that runs says neither request nor limit. */
  readonly millicores: number | undefined;
  readonly bytes: number | undefined;
}

export function podResources(spec: PodSpec): PodResources {
  return { millicores: effective(spec, 'cpu'), bytes: effective(spec, 'memory') };
}

/** What the pod asks for as a whole, where it does; else what its containers need together. The runtime's overhead comes on top. */
function effective(spec: PodSpec, key: Key): number | undefined {
  const asked = requested(spec.resources, key) ?? containersNeed(spec, key);
  return asked === undefined ? undefined : asked + (amount(spec.overhead, key) ?? 0);
}

/**
 * All containers and sidecars together, or the hungriest moment of the start: an init container beside the sidecars that were started
 * before it. An init container that asks for nothing adds nothing, since it is gone when the pod runs; any other one makes the sum unknown.
 */
function containersNeed({ containers = [], initContainers = [] }: PodSpec, key: Key): number | undefined {
  let sidecars: number | undefined = 0;
  let start = 0;
  for (const container of initContainers) {
    const own = requested(container.resources, key);
    if (isSidecar(container)) sidecars = plus(sidecars, own);
    else start = Math.max(start, (sidecars ?? 0) + (own ?? 0));
  }
  const running = containers.reduce<number | undefined>((sum, { resources }) => plus(sum, requested(resources, key)), sidecars);
  return running === undefined ? undefined : Math.max(running, start);
}

function isSidecar({ restartPolicy }: Container): boolean {
  return restartPolicy === 'Always';
}

/** Kubernetes takes the limit for the request where only a limit is given. */
function requested(resources: Resources | undefined, key: Key): number | undefined {
  return amount(resources?.requests, key) ?? amount(resources?.limits, key);
}

function amount(amounts: Amounts | undefined, key: Key): number | undefined {
  const value = amounts?.[key];
  if (value === undefined) return undefined;
  return key === 'cpu' ? toMillicores(value) : Math.ceil(value);
}

function plus(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a + b;
}
