/** One policy, from its first draft to the archive: makes the moves it is asked for, and those whose date has come. */
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { createPolicyActivities, PolicyRequest } from '../activities/policy-lifecycle.js';
import type { PolicyRecord, PolicyStatus } from '../policy/house-records.js';
import { nextPolicyDate } from '../policy/lifecycle.js';
import { SA_DEADLINE, SA_PHASE, SA_POLICY } from './messages.js';
import {
  activatePolicy,
  addPolicyVersion,
  archivePolicy,
  createPolicy,
  deprecatePolicy,
  type PolicyLifecycleInput,
  reviewPolicy,
  submitPolicy,
} from './policy-messages.js';
import { orRefused, refusalIn } from './refusals.js';
import { createTurns } from './turns.js';

const activities = proxyActivities<ReturnType<typeof createPolicyActivities>>({
  startToCloseTimeout: '30s',
  retry: { maximumInterval: '10s' },
});
/** May signal thousands of remediations. */
const { closeRemediationsOfPolicy } = proxyActivities<ReturnType<typeof createPolicyActivities>>({ startToCloseTimeout: '10m' });

const SYSTEM = 'system:policies';

interface State {
  /** As last stored; null while there is none of that name. */
  policy: PolicyRecord | null;
  moves: number;
  /** Whether the remediations of a policy that has ceased to enforce have been told. */
  retired: boolean;
}

type Mover = (request: PolicyRequest) => Promise<PolicyRecord>;

/** Answers the policy's last status; null when there is no such policy: what was asked of it has been refused. */
export async function policyLifecycle({ name }: PolicyLifecycleInput): Promise<PolicyStatus | null> {
  const state: State = { policy: null, moves: 0, retired: false };
  const move = createMover(name, state);
  listen(move);
  const found = await activities.readPolicy.executeWithOptions({ summary: `read ${name}` }, [name]);
  // A move made meanwhile has answered a newer one.
  state.policy ??= found;
  await condition(() => state.policy !== null || allHandlersFinished());
  while (state.policy !== null && (await advance(state.policy, state, move))) {
    if (workflowInfo().continueAsNewSuggested) await startOver(name);
  }
  await condition(allHandlersFinished);
  return state.policy?.status ?? null;
}

/** Moves are made one at a time: the activity that stores one decides whether it may be made. */
function createMover(name: string, state: State): Mover {
  const turns = createTurns();
  const { runId } = workflowInfo();
  let asked = 0;
  return (request) =>
    turns.next(async () => {
      asked += 1;
      const key = `${runId}#${asked}`;
      const moved = await activities.movePolicy.executeWithOptions({ summary: request.kind }, [{ name, key, request, at: Date.now() }]);
      state.policy = moved;
      state.moves += 1;
      return { ...moved };
    });
}

function listen(move: Mover): void {
  setHandler(createPolicy, ({ principal: by, content, description }) => orRefused(move({ kind: 'create', by, content, description })));
  setHandler(addPolicyVersion, ({ principal: by, content, changeType, changeSummary }) =>
    orRefused(move({ kind: 'add-version', by, content, changeType, changeSummary })),
  );
  setHandler(submitPolicy, ({ principal: by, reviewers }) => orRefused(move({ kind: 'submit', by, reviewers })));
  setHandler(reviewPolicy, ({ principal: by, verdict, comments }) => orRefused(move({ kind: verdict, by, comments })));
  setHandler(activatePolicy, ({ principal: by, effectiveAt }) => orRefused(move({ kind: 'activate', by, effectiveAt })));
  setHandler(deprecatePolicy, ({ principal: by, date, reason, replacement }) =>
    orRefused(move({ kind: 'deprecate', by, date, reason, replacement })),
  );
  setHandler(archivePolicy, ({ principal: by }) => orRefused(move({ kind: 'archive', by })));
}

/** Does the next thing there is to do, or waits for it; false when the policy is archived and nothing is left. */
async function advance(policy: PolicyRecord, state: State, move: Mover): Promise<boolean> {
  show(policy);
  if (hasCeased(policy) && !state.retired) {
    await closeRemediationsOfPolicy.executeWithOptions({ summary: `close the remediations of ${policy.name}` }, [policy.name]);
    state.retired = true;
    return true;
  }
  if (policy.status === 'archived') return false;
  const due = nextPolicyDate(policy);
  const { moves } = state;
  const moved = () => state.moves !== moves;
  if (due === null) await condition(moved);
  else if (due.at > Date.now()) await condition(moved, due.at - Date.now(), { summary: `${due.kind}: ${policy.name}` });
  if (!moved() && due !== null && Date.now() >= due.at) await takeDate(due.kind, move);
  return true;
}

function hasCeased({ status, activeVersion }: PolicyRecord): boolean {
  return activeVersion === null && (status === 'deprecated' || status === 'archived');
}

/** Somebody may have moved the policy while this waited for its turn; then there is something else to do. */
async function takeDate(kind: 'take-effect' | 'retire', move: Mover): Promise<void> {
  try {
    await move({ kind, by: SYSTEM });
  } catch (error) {
    if (refusalIn(error) === undefined) throw error;
  }
}

/** What an operator sees in Temporal's UI. Search attributes are not encrypted: no person is named in them. */
function show(policy: PolicyRecord): void {
  const due = nextPolicyDate(policy);
  upsertSearchAttributes([
    { key: SA_POLICY, value: policy.name },
    { key: SA_PHASE, value: policy.status },
    { key: SA_DEADLINE, value: due === null ? null : new Date(due.at) },
  ]);
  const enforces = policy.activeVersion === null ? 'no version enforces' : `version ${policy.activeVersion} enforces`;
  const next = due === null ? 'nothing is due' : `next: ${due.kind} at ${new Date(due.at).toISOString()}`;
  setCurrentDetails(`\`${policy.name}\` ${policy.currentVersion} is **${policy.status}**; ${enforces}\n\n${next}`);
}

async function startOver(name: string): Promise<never> {
  await condition(allHandlersFinished);
  return continueAsNew<typeof policyLifecycle>({ name });
}
