import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../src/package-root.js';
import { type CompiledPolicies, compilePolicies } from '../src/policy/compile.js';
import { evaluateRequest } from '../src/policy/evaluate.js';
import { NO_EXCEPTIONS } from '../src/policy/exception.js';
import type { Policy, Resource } from '../src/policy/model.js';
import { parsePolicies } from '../src/policy/parse.js';
import { resourcesOf, wireRequests } from './requests.js';
import { formatCount, median, perSecond, printFigures } from './table.js';

const ROUNDS = 5;
const ROUND_MS = 600;

/** Evaluations a second of the core on one core, beside a hand-written function of the same two policies in the same run. */
export async function benchCore(): Promise<void> {
  const resources = resourcesOf(wireRequests(2_000));
  const policies = ['resource-limits-policy.yaml', 'tagging-policy.yaml'].flatMap(load);
  const two = compile(policies);
  const others = Array.from({ length: 1_000 }, (_, index): Policy => ({ ...onlyNetworks, name: `networks-${index}` }));
  const crowded = compile([...policies, ...others]);
  const hand = rate(() => sum(resources, handWritten));
  const core = rate(() => sum(resources, (resource) => decisions(two, resource)));
  const withOthers = rate(() => sum(resources, (resource) => decisions(crowded, resource)));
  printFigures('core: evaluations a second, one core, 2,000 mixed requests', [
    { name: 'hand-written function', value: formatCount(hand), ratio: '1.00' },
    { name: 'core, two policies', value: formatCount(core), ratio: `${(core / hand).toFixed(2)} of hand-written` },
    {
      name: 'core, and 1,000 that cannot apply',
      value: formatCount(withOthers),
      ratio: `${(withOthers / core).toFixed(2)} of two policies`,
    },
  ]);
}

const onlyNetworks: Policy = {
  name: 'networks',
  type: 'ResourceLimit',
  rules: [{ name: 'bandwidth', resource: ['network/*'], constraint: { maxBandwidthMbps: 100 } }],
};

function load(file: string): readonly Policy[] {
  return parsePolicies(readFileSync(join(packageRoot, 'policies', file), 'utf8'), file).policies;
}

function compile(policies: readonly Policy[]): CompiledPolicies {
  return compilePolicies(policies.map((policy) => ({ version: '1.0.0', policy })));
}

function decisions(compiled: CompiledPolicies, resource: Resource): number {
  return evaluateRequest(compiled, NO_EXCEPTIONS, { resources: [resource] }, 0).violations.length;
}

function sum(resources: readonly Resource[], judge: (resource: Resource) => number): number {
  let found = 0;
  for (const resource of resources) found += judge(resource);
  return found;
}

/** Median of some rounds; each round repeats the 2,000 requests until its time is over. The first round warms up and does not count. */
function rate(run: () => number): number {
  const rates: number[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const began = performance.now();
    let repeats = 0;
    while (performance.now() - began < ROUND_MS) {
      run();
      repeats += 1;
    }
    if (round > 0) rates.push(perSecond(repeats * 2_000, performance.now() - began));
  }
  return median(rates);
}

const costCenter = /^CC-[0-9]{6}$/;
const owner = /^[a-z]+@company\.com$/;
const environments = new Set(['production', 'staging', 'development', 'sandbox']);

/** What somebody would write by hand for exactly these two policies: messages, and nothing else of what the core gives. */
function handWritten(resource: Resource): number {
  const messages: string[] = [];
  const { specs, tags } = resource;
  if (resource.namespace === 'production') {
    const limits = resource.type === 'compute/instance' ? { vcpus: 16, memory: 64 } : { vcpus: 8, memory: Number.POSITIVE_INFINITY };
    if ((specs.vcpus ?? 0) > limits.vcpus) messages.push(`Requested ${specs.vcpus} vCPUs exceeds limit of ${limits.vcpus}`);
    if ((specs.memoryGb ?? 0) > limits.memory) messages.push(`Requested ${specs.memoryGb}GB memory exceeds limit of ${limits.memory}GB`);
    const family = specs.instanceFamily;
    if (resource.type === 'compute/instance' && family !== 'general-purpose' && family !== 'compute-optimized')
      messages.push(`Instance family '${family}' is not allowed`);
    if (resource.type === 'database/instance' && (specs.storageGb ?? 0) > 500)
      messages.push(`Requested ${specs.storageGb}GB storage exceeds limit of 500GB`);
  }
  const center = tags['cost-center'];
  if (center === undefined) messages.push("Required tag 'cost-center' is missing");
  else if (!costCenter.test(center)) messages.push(`Tag 'cost-center' value '${center}' does not match required pattern`);
  const environment = tags['environment'];
  if (environment === undefined) messages.push("Required tag 'environment' is missing");
  else if (!environments.has(environment)) messages.push(`Tag 'environment' value '${environment}' is not in allowed values`);
  const mail = tags['owner'];
  if (mail === undefined) messages.push("Required tag 'owner' is missing");
  else if (!owner.test(mail)) messages.push(`Tag 'owner' value '${mail}' does not match required pattern`);
  const project = tags['project'];
  if (project === undefined) messages.push("Required tag 'project' is missing");
  else if (project.length < 3 || project.length > 50) messages.push(`Tag 'project' has a wrong length`);
  return messages.length;
}
