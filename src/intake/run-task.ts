/** The request of an HCP Terraform run task. Pure. */
import { z } from 'zod';
import { TollgateError } from '../errors.js';
import { allowedUrl } from '../policy/origins.js';
import type { RunTaskRequest } from '../policy/run-task.js';
import { findingsIn } from '../policy/schema-issues.js';
import { unexpectedDocument } from './looks-like.js';

export interface AskedRunTask {
  readonly request: RunTaskRequest;
  readonly token: string;
}

const optional = z.string().nullish();
const payload = z.looseObject({
  payload_version: z.literal(1, 'expected `1`, the only version that is known'),
  stage: z.string().min(1).max(100),
  access_token: z.string().min(1).max(10_000),
  task_result_id: z.string().regex(/^[\w-]{1,100}$/),
  task_result_callback_url: z.string(),
  run_id: z.string().min(1).max(100),
  plan_json_api_url: optional,
  is_speculative: z.boolean().nullish(),
  run_created_by: optional,
  organization_name: optional,
  workspace_name: optional,
  capabilities: z.looseObject({ outcomes: z.boolean().nullish() }).nullish(),
});
type Payload = z.output<typeof payload>;

/** What HCP sends in place of a token when a run task is created, to see that somebody answers. */
const VERIFICATION_TOKEN = 'test-token';

/**
 * Null for a request that only verifies the address: there is nothing to do then.
 *
 * @param origins the only ones that are called
 * @throws invalid-input with each problem, an address on another host among them
 */
export function readRunTask(document: unknown, origins: readonly string[]): AskedRunTask | null {
  if (typeof document !== 'object' || document === null) throw unexpectedDocument('run-task', document);
  if (isVerification(document)) return null;
  const result = payload.safeParse(document);
  const problems = result.success
    ? [
        ...addressProblems('task_result_callback_url', result.data.task_result_callback_url, origins),
        ...addressProblems('plan_json_api_url', result.data.plan_json_api_url, origins),
      ]
    : findingsIn(result.error, document).map(({ path, message }) => ({ path: path.join('.'), message }));
  if (!result.success || problems.length > 0) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    throw new TollgateError('invalid-input', `${count} in the run task's request`, { problems });
  }
  return { request: toRequest(result.data), token: result.data.access_token };
}

function isVerification(document: { readonly access_token?: unknown; readonly stage?: unknown }): boolean {
  return document.access_token === VERIFICATION_TOKEN || document.stage === 'test';
}

function addressProblems(path: string, address: string | null | undefined, origins: readonly string[]) {
  if (address === null || address === undefined || allowedUrl(address, origins) !== null) return [];
  const message = `expected an address on ${origins.map((origin) => `\`${origin}\``).join(' or ')}; others are set as \`runTasks.hosts\``;
  return [{ path, message }];
}

function toRequest(given: Payload): RunTaskRequest {
  return {
    id: given.task_result_id,
    stage: given.stage,
    callbackUrl: given.task_result_callback_url,
    planUrl: given.plan_json_api_url ?? null,
    runId: given.run_id,
    createdBy: given.run_created_by || null,
    isSpeculative: given.is_speculative ?? false,
    takesOutcomes: given.capabilities?.outcomes ?? false,
    workspace: [given.organization_name, given.workspace_name].filter((name) => name).join('/'),
  };
}
