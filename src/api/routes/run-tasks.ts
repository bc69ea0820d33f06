import { createHmac, timingSafeEqual } from 'node:crypto';
import { ServiceError, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { TollgateError } from '../../errors.js';
import { decodeDocument, parseJsonDocument } from '../../intake/document.js';
import { readRunTask } from '../../intake/run-task.js';
import { MINUTE, SECOND } from '../../policy/durations.js';
import type { RunTaskInput } from '../../policy/run-task.js';
import { transaction } from '../../store/db.js';
import { openRunTask } from '../../store/run-tasks.js';
import { WORKFLOWS, workflowIds } from '../../workflows/messages.js';
import type { AppContext } from '../deps.js';
import { type Call, defineRoute, type Reply } from '../route.js';
import { refuseUnstorable } from '../storable.js';
import { requireTemporal, temporalAway } from '../temporal-access.js';

/** HCP takes no result after 60 minutes, and gives up when it hears nothing for 10. */
const ENDS_AFTER_MS = 57 * MINUTE;
const JUDGE_FOR_MS = 50 * MINUTE;
const PROGRESS_EVERY_MS = 4 * MINUTE;
const HEARTBEAT_MS = 10 * SECOND;

/** HCP sends a few KiB; anybody may send more, and it is read before its signature can be checked. */
const LARGEST_REQUEST = 128 * 1024;

/**
 * 200 without a body, and nothing else counts as received for HCP; 404 where run tasks are not configured, 401 for a wrong signature, 503
 * when Temporal or the database is away: HCP then tries again.
 */
export const runTasks = defineRoute('POST /v1/run-tasks', {
  summary: 'Take the request of an HCP Terraform run task',
  tag: 'Evaluation',
  raw: { types: ['application/json'], limitBytes: LARGEST_REQUEST },
  idempotencyKey: false,
  answers: {
    200: { description: 'Received; the result follows by callback' },
    401: { description: 'The signature in `x-tfc-task-signature` is not that of the body' },
    404: { description: 'Run tasks are not configured' },
  },
  handle: receiveRunTask,
});

async function receiveRunTask(context: AppContext, { body, headers, at }: Call<unknown, unknown, Buffer>): Promise<Reply> {
  const key = context.runTaskKey ?? null;
  if (key === null) throw new TollgateError('not-found', 'run tasks are not configured: set `TOLLGATE_RUN_TASK_HMAC_KEY`');
  requireSignature(body, headers['x-tfc-task-signature'], key);
  const document = parseJsonDocument(decodeDocument(body, 'the request'), 'the request');
  refuseUnstorable(document, 'request body');
  const asked = readRunTask(document, context.settings.runTasks.origins);
  if (asked === null) return { status: 200 };
  const { request, token } = asked;
  await requireTemporal(context.temporal);
  await transaction(context.pool, (db) => openRunTask(db, { request, token, receivedAt: at, expiresAt: at + ENDS_AFTER_MS }, key));
  const workflowId = workflowIds.runTask(request.id);
  const input: RunTaskInput = {
    id: request.id,
    judgeUntil: at + JUDGE_FOR_MS,
    endsAt: at + ENDS_AFTER_MS,
    progressEveryMs: PROGRESS_EVERY_MS,
    heartbeatMs: HEARTBEAT_MS,
  };
  await startWorkflow(context, workflowId, input, `plan of ${request.workspace}, ${request.runId}`);
  return { status: 200, workflowId };
}

const SIGNATURE = /^[\da-f]{128}$/;

/** @throws unauthenticated unless it is the lower-case hexadecimal HMAC-SHA512 of the bytes as they came */
function requireSignature(body: Buffer, given: string | readonly string[] | undefined, key: string): void {
  const got = typeof given === 'string' ? given.trim().toLowerCase() : '';
  if (SIGNATURE.test(got) && timingSafeEqual(Buffer.from(got, 'hex'), createHmac('sha512', key).update(body).digest())) return;
  const why = got === '' ? 'is not signed: give the run task its HMAC key' : 'is signed with another key, or was changed on the way';
  throw new TollgateError('unauthenticated', `the request ${why}`);
}

const START_DEADLINE_MS = 5_000;

async function startWorkflow({ temporal }: AppContext, workflowId: string, input: RunTaskInput, summary: string): Promise<void> {
  try {
    await temporal.client.withDeadline(Date.now() + START_DEADLINE_MS, () =>
      temporal.client.workflow.start(WORKFLOWS.runTask, {
        taskQueue: temporal.taskQueue,
        workflowId,
        args: [input],
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        workflowIdConflictPolicy: 'USE_EXISTING',
        staticSummary: summary.slice(0, 200),
      }),
    );
  } catch (error) {
    // HCP asked again for what was answered already.
    if (error instanceof WorkflowExecutionAlreadyStartedError) return;
    if (error instanceof ServiceError) throw temporalAway(temporal.address, error);
    throw error;
  }
}
