import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../src/package-root.js';
import type { CompiledPolicies } from '../src/policy/compile.js';
import { NO_EXCEPTIONS } from '../src/policy/exception.js';
import type { Policy, Resource } from '../src/policy/model.js';
import { parsePolicies } from '../src/policy/parse.js';
import type { Decision } from '../src/policy/verdict.js';
import { built } from './built.js';
import { handWritten } from './hand-written.js';
import { resourcesOf, wireRequests } from './requests.js';
import { type Figure, formatCount, median, perSecond, printFigures } from './table.js';

const ROUNDS = 7;
const ROUND_MS = 250;

const { compilePolicies } = (await built('policy/compile.js')) as typeof import('../src/policy/compile.js');
const { evaluateRequest } = (await built('policy/evaluate.js')) as typeof import('../src/policy/evaluate.js');

/** Evaluations a second of the core on one core, beside a hand-written function of the same two policies in the same run. */
export async function benchCore(): Promise<void> {
  const policies = ['resource-limits-policy.yaml', 'tagging-policy.yaml'].flatMap(load);
  const wire = wireRequests(2_000);
  const resources = resourcesOf(wire);
  const texts = wire.map((request) => JSON.stringify(request));
  const two = compile(policies);
  const compare = (name: string, run: Run, other: string): Case => ({ name, run, other });
  const found = sameFindings(resources, two);
  const figures = measure([
    { name: 'hand-written function', run: each(resources, handWritten) },
    compare('core, two policies', each(resources, decisions(two)), 'hand-written function'),
    compare(
      'core, and 1,000 for other types',
      each(resources, decisions(compile([...policies, ...many(1_000, onlyNetworks)]))),
      'core, two policies',
    ),
    compare(
      'core, and 1,000 of other namespaces',
      each(resources, decisions(compile([...policies, ...many(1_000, elsewhere)]))),
      'core, two policies',
    ),
    compare('core, 100 that apply', each(resources.slice(0, 100), decisions(compile(many(100, sizes)))), 'core, two policies'),
    compare('core, 1,000 that apply', each(resources.slice(0, 100), decisions(compile(many(1_000, sizes)))), 'core, 100 that apply'),
    { name: 'hand-written, JSON to JSON', run: each(texts, answerByHand) },
    compare(
      'core, JSON to JSON',
      each(texts, (text) => answer(two, text)),
      'hand-written, JSON to JSON',
    ),
  ]);
  printFigures(`core: evaluations a second, one core, 2,000 mixed requests, ${formatCount(found)} findings`, figures);
  const plan = { resources: resources.slice(0, 200) };
  const hundred = compile(many(100, sizes));
  const ms = median(Array.from({ length: 50 }, () => timed(() => evaluateRequest(hundred, NO_EXCEPTIONS, plan, 0))));
  printFigures('core: a plan', [{ name: '200 resources × 100 policies', value: `${ms.toFixed(1)} ms` }]);
}

function load(file: string): readonly Policy[] {
  return parsePolicies(readFileSync(join(packageRoot, 'policies', file), 'utf8'), file).policies;
}

function compile(policies: readonly Policy[]): CompiledPolicies {
  return compilePolicies(policies.map((policy) => ({ version: '1.0.0', policy })));
}

function many(count: number, policyOf: (index: number) => Policy): readonly Policy[] {
  return Array.from({ length: count }, (_, index) => policyOf(index));
}

function onlyNetworks(index: number): Policy {
  const rule = { name: 'bandwidth', resource: ['network/*'], constraint: { maxBandwidthMbps: 100 } };
  return { name: `networks-${index}`, type: 'ResourceLimit', rules: [rule] };
}

function elsewhere(index: number): Policy {
  return {
    name: `elsewhere-${index}`,
    namespace: `team-${index}`,
    type: 'ResourceLimit',
    rules: [{ name: 'size', constraint: { maxVCPUs: 4 } }],
  };
}

function sizes(index: number): Policy {
  return {
    name: `size-${index}`,
    type: 'ResourceLimit',
    rules: [{ name: 'size', constraint: { maxVCPUs: 16 + (index % 32), maxMemoryGB: 64 } }],
  };
}

/** Evaluates what it is for once, and says how many requests that were. */
type Run = () => number;

/** What was answered last: an answer that nobody can see would not have to be made. */
const seen: { last: unknown } = { last: null };

function each<T>(requests: readonly T[], answer: (request: T) => unknown): Run {
  return () => {
    for (const request of requests) seen.last = answer(request);
    return requests.length;
  };
}

function decisions(compiled: CompiledPolicies): (resource: Resource) => Decision {
  return (resource) => evaluateRequest(compiled, NO_EXCEPTIONS, { resources: [resource] }, 0);
}

/** @throws unless both find the same number of things wrong in each request. */
function sameFindings(resources: readonly Resource[], compiled: CompiledPolicies): number {
  const decide = decisions(compiled);
  const count = (resource: Resource): number => decide(resource).violations.length;
  const different = resources.filter((resource) => handWritten(resource).length !== count(resource));
  if (different.length > 0) throw new Error(`the hand-written function differs on ${JSON.stringify(different[0])}`);
  return resources.reduce((sum, resource) => sum + count(resource), 0);
}

function parse(text: string): Resource {
  return resourcesOf([JSON.parse(text) as Record<string, unknown>])[0] as Resource;
}

function answerByHand(text: string): string {
  const violations = handWritten(parse(text));
  return JSON.stringify({ allowed: violations.length === 0, violations });
}

function answer(compiled: CompiledPolicies, text: string): string {
  return JSON.stringify(evaluateRequest(compiled, NO_EXCEPTIONS, { resources: [parse(text)] }, 0));
}

function timed(work: () => unknown): number {
  const before = process.cpuUsage();
  seen.last = work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

interface Case {
  readonly name: string;
  readonly run: Run;
  /** The case that it is compared with. */
  readonly other?: string;
}

/** All cases in turn, some rounds, so that what else the machine does meets all alike; medians. The first round warms up and does not count. */
function measure(cases: readonly Case[]): readonly Figure[] {
  const rounds = Array.from({ length: ROUNDS + 1 }, () => cases.map(({ run }) => rate(run))).slice(1);
  const rates = new Map(cases.map(({ name }, index) => [name, median(rounds.map((round) => round[index] ?? 0))]));
  return cases.map(({ name, other }) => {
    const value = rates.get(name) ?? 0;
    const ratio = other === undefined ? '1.00' : `${(value / (rates.get(other) ?? 0)).toFixed(3)} of ${other}`;
    return { name, value: formatCount(value), ratio };
  });
}

/** By the processor time of this process, which what else the machine runs changes little. */
function rate(run: Run): number {
  const before = process.cpuUsage();
  const until = performance.now() + ROUND_MS;
  let count = 0;
  while (performance.now() < until) count += run();
  const { user, system } = process.cpuUsage(before);
  return perSecond(count, (user + system) / 1_000);
}
