/** Calls to HCP Terraform: only to the allowed hosts, with the token only where it belongs, and no more bytes than are taken. */
import { describeError, TollgateError } from '../errors.js';
import { MINUTE } from '../policy/durations.js';
import { allowedUrl } from '../policy/origins.js';
import type { RunTaskResult } from '../policy/run-task.js';

export interface HcpCall {
  readonly token: string;
  readonly origins: readonly string[];
  readonly signal: AbortSignal;
}

const MOST_REDIRECTS = 5;
const LARGEST_PLAN_BYTES = 32 * 1024 * 1024;
const CALL_TIMEOUT_MS = MINUTE;

/**
 * The plan as JSON. HCP answers with a redirect to its archive, whose address is a secret of its own and takes no token.
 * @throws unavailable for what may be better at the next try, provider-refused or too-large for what will not
 */
export async function fetchPlan(address: string, call: HcpCall): Promise<Buffer> {
  let url = known(address, call.origins);
  const home = url.origin;
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects += 1) {
    const authorization = url.origin === home ? { authorization: `Bearer ${call.token}` } : {};
    const response = await request(url, { headers: { accept: 'application/json', ...authorization } }, call.signal);
    const location = response.status >= 300 && response.status < 400 ? response.headers.get('location') : null;
    if (location === null) return readPlan(response, url);
    await response.body?.cancel();
    url = known(new URL(location, url).href, call.origins);
  }
  throw new TollgateError('provider-refused', `more than ${MOST_REDIRECTS} redirects on the way to the plan`);
}

/** @throws as `fetchPlan` does */
export async function sendResult(address: string, result: RunTaskResult, call: HcpCall): Promise<void> {
  const url = known(address, call.origins);
  const headers = { 'content-type': 'application/vnd.api+json', authorization: `Bearer ${call.token}` };
  const response = await request(url, { method: 'PATCH', headers, body: JSON.stringify(result) }, call.signal);
  await response.body?.cancel();
  if (!response.ok) throw refused(response, url, 'the result');
}

/** @throws provider-refused without the address, which may be a secret */
function known(address: string, origins: readonly string[]): URL {
  const url = allowedUrl(address, origins);
  if (url !== null) return url;
  const host = URL.canParse(address) ? `\`${new URL(address).origin}\`` : 'what is no address';
  throw new TollgateError('provider-refused', `the way leads to ${host}, which is not among \`runTasks.hosts\``);
}

async function request(url: URL, init: RequestInit, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]) });
  } catch (error) {
    throw new TollgateError('provider-unreachable', `${url.origin} cannot be reached: ${describeError(error)}`);
  }
}

async function readPlan(response: Response, url: URL): Promise<Buffer> {
  // HCP answers so as long as the plan is not ready.
  if (response.status === 204) throw new TollgateError('unavailable', 'the plan is not ready yet');
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw refused(response, url, 'the plan');
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body) {
      bytes += chunk.byteLength;
      if (bytes > LARGEST_PLAN_BYTES) throw new TollgateError('too-large', `the plan has more than ${LARGEST_PLAN_BYTES / 2 ** 20} MiB`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof TollgateError) throw error;
    throw new TollgateError('provider-unreachable', `${url.origin} broke off: ${describeError(error)}`);
  }
  return Buffer.concat(chunks);
}

function refused({ status }: Response, { origin }: URL, what: string): TollgateError {
  const mayPass = status === 408 || status === 425 || status === 429 || status >= 500;
  return new TollgateError(mayPass ? 'unavailable' : 'provider-refused', `${origin} answered ${status} for ${what}`);
}
