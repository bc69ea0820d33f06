import type { Resource } from '../src/policy/model.js';
import { createRandom, type Random } from '../test/support/random.js';

const FAMILIES = ['general-purpose', 'compute-optimized', 'gpu', 'memory-optimized'];
const ENVIRONMENTS = ['production', 'staging', 'development', 'test'];

/** One in the wire's shape; about a third comply. */
function wireRequest({ next, pick }: Random, index: number): Record<string, unknown> {
  const good = next() < 0.33;
  return {
    type: next() < 0.8 ? 'compute/instance' : 'database/instance',
    name: `web-${index}`,
    namespace: 'production',
    account: '111122223333',
    region: 'us-east-1',
    tags: {
      'cost-center': good || next() < 0.7 ? 'CC-001234' : 'INVALID',
      environment: good ? 'production' : pick(ENVIRONMENTS),
      owner: 'dana@company.com',
      ...(good || next() < 0.6 ? { project: 'alpha' } : {}),
    },
    specs: {
      vcpus: good ? 4 : pick([2, 8, 16, 32, 64]),
      memory_gb: good ? 16 : pick([4, 32, 64, 128]),
      storage_gb: 100,
      instance_family: good ? 'general-purpose' : pick(FAMILIES),
    },
  };
}

export function wireRequests(count: number): readonly Record<string, unknown>[] {
  const random = createRandom(42);
  return Array.from({ length: count }, (_, index) => wireRequest(random, index));
}

/** The same requests as the core takes them. */
export function resourcesOf(requests: readonly Record<string, unknown>[]): readonly Resource[] {
  return requests.map((request) => {
    const specs = request['specs'] as { vcpus: number; memory_gb: number; storage_gb: number; instance_family: string };
    return {
      id: null,
      type: request['type'] as string,
      name: request['name'] as string,
      provider: null,
      account: request['account'] as string,
      region: request['region'] as string,
      state: null,
      createdAt: null,
      namespace: request['namespace'] as string,
      tags: request['tags'] as Record<string, string>,
      specs: { vcpus: specs.vcpus, memoryGb: specs.memory_gb, storageGb: specs.storage_gb, instanceFamily: specs.instance_family },
      cost: { hourly: null, monthly: null, source: 'none' },
      metrics: null,
      attachedTo: null,
      detachedAt: null,
      managedBy: null,
      address: null,
    };
  });
}
