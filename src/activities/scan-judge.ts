/** Judges a page of resources: what to keep of each in the inventory, what violates, what could not be judged. Pure. */
import { type Directory, ownerOf, teamOf } from '../policy/directory.js';
import { evaluateResource } from '../policy/evaluate.js';
import type { CompiledExceptions } from '../policy/exception.js';
import type { Resource } from '../policy/model.js';
import type { Offer } from '../policy/rules/check.js';
import { isApplicable, standingsByPolicy } from '../policy/standing.js';
import type { ScanVerdict } from '../policy/verdict.js';
import type { CompiledSet } from '../store/enforcing.js';
import type { FoundViolation, JudgedPage, UnknownRule } from '../store/findings.js';
import type { ListedResource } from '../store/inventory.js';

export interface PageQuestion {
  readonly set: CompiledSet;
  readonly exceptions: CompiledExceptions;
  readonly directory: Directory;
  readonly offers: (region: string | null) => readonly Offer[];
  /** Taken before the page was read. */
  readonly seenAt: number;
}

interface Judged extends Omit<JudgedPage, 'next'> {
  readonly resources: ListedResource[];
  readonly found: FoundViolation[];
  readonly unknowns: UnknownRule[];
}

/** A resource without an id cannot be told from another and is left out. */
export function judgePage(resources: readonly Resource[], question: PageQuestion): Omit<JudgedPage, 'next'> {
  const judged: Judged = { seenAt: question.seenAt, resources: [], found: [], unknowns: [] };
  for (const resource of resources) {
    const { id } = resource;
    if (id !== null) judgeInto(judged, { ...resource, id }, question);
  }
  return judged;
}

function judgeInto(judged: Judged, resource: ListedResource['resource'], question: PageQuestion): void {
  const verdicts = evaluateResource(question.set.compiled, question.exceptions, resource, question.seenAt, { offers: question.offers });
  const listed: ListedResource = {
    resource,
    team: teamOf(question.directory, resource.tags),
    owner: ownerOf(question.directory, resource.tags),
    ...policyIdsOf(verdicts, question.set.policyIds),
  };
  judged.resources.push(listed);
  for (const { verdict, finding, exceptionId, policyName, policyVersion, ruleName } of verdicts) {
    if (finding !== null) judged.found.push({ listed, policyName, policyVersion, ruleName, finding, exceptionId });
    if (verdict === 'unknown' || verdict === 'error') judged.unknowns.push({ type: resource.type, id: resource.id, policyName, ruleName });
  }
}

function policyIdsOf(
  verdicts: readonly ScanVerdict[],
  ids: ReadonlyMap<string, number>,
): Pick<ListedResource, 'applicablePolicies' | 'unknownPolicies'> {
  const applicablePolicies: number[] = [];
  const unknownPolicies: number[] = [];
  for (const [name, standing] of standingsByPolicy(verdicts)) {
    const id = ids.get(name);
    if (id !== undefined) (isApplicable(standing) ? applicablePolicies : unknownPolicies).push(id);
  }
  return { applicablePolicies, unknownPolicies };
}
