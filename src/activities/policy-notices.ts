/** Who is told of a policy's move, and of which. */
import { type PolicyStage, policyWords } from '../notify/words.js';
import { recipientsOf } from '../policy/directory.js';
import type { PolicyRecord } from '../policy/house-records.js';
import { authorsOf } from '../policy/lifecycle.js';
import type { Db } from '../store/db.js';
import { addressed, writeNotices } from '../store/outbox.js';
import { teamsAffectedBy } from '../store/policies.js';
import type { ActivityDeps } from './deps.js';
import type { PolicyRequest } from './policy-lifecycle.js';

export interface PolicyMoved {
  readonly before: PolicyRecord | null;
  readonly after: PolicyRecord;
  readonly request: PolicyRequest;
  readonly at: number;
}

/** Null where a move concerns nobody but who made it. */
function stageOf({ after, request }: PolicyMoved): PolicyStage | null {
  switch (request.kind) {
    case 'create':
    case 'archive':
      return null;
    case 'add-version':
      return 'new-version';
    case 'submit':
      return 'submitted';
    case 'approve':
      return after.status === 'approved' ? 'approved' : null;
    case 'request-changes':
      return 'changes-requested';
    case 'activate':
      return after.status === 'active' ? 'active' : 'dated';
    case 'take-effect':
      return 'active';
    case 'deprecate':
      return 'deprecated';
    case 'retire':
      return 'retired';
    default:
      return request satisfies never;
  }
}

function remarkOf(request: PolicyRequest): string | null {
  switch (request.kind) {
    case 'add-version':
      return request.changeSummary;
    case 'approve':
    case 'request-changes':
      return request.comments;
    case 'deprecate':
      return request.reason;
    default:
      return null;
  }
}

/** Writes the notices of a move in its transaction. */
export async function tellOfPolicy(deps: ActivityDeps, db: Db, moved: PolicyMoved): Promise<void> {
  const stage = stageOf(moved);
  if (stage === null) return;
  const { after, request, at } = moved;
  const words = policyWords(stage, after, { principal: request.by, remark: remarkOf(request) });
  // A version may be submitted and sent back more than once: the time tells these apart.
  const message = { subject: after.name, stage: `${stage}:${after.currentVersion}:${new Date(at).toISOString()}`, ...words };
  await writeNotices(db, addressed(message, await recipients(deps, db, stage, moved)), at);
}

async function recipients(deps: ActivityDeps, db: Db, stage: PolicyStage, { before, after }: PolicyMoved): Promise<readonly string[]> {
  if (stage === 'submitted') return after.reviewers;
  const authors = authorsOf(before ?? after);
  const reviewers = [...(before?.reviewers ?? []), ...after.reviewers];
  const affected = stage === 'deprecated' || stage === 'retired' ? await affectedPeople(deps, db, after.name) : [];
  const people = [...authors, ...reviewers, ...affected].filter((person) => !person.startsWith('system:'));
  return people.length > 0 ? people : recipientsOf(deps.directory, '', null);
}

/** The people of the teams that have violations of the policy, also when they are just being closed with it. */
async function affectedPeople(deps: ActivityDeps, db: Db, name: string): Promise<readonly string[]> {
  const teams = await teamsAffectedBy(db, name);
  return teams.flatMap((team) => [...recipientsOf(deps.directory, team, null)]);
}
