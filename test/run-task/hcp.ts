/** HCP Terraform as far as run tasks know it: it serves a plan to who has the token, by way of an archive, and takes results. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RunTaskResult } from '../../src/policy/run-task.js';

export const KEY = 'a key that HCP has too';
export const TOKEN = 'secret.atlasv1.token-of-one-run';

export interface Callback {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
  readonly body: RunTaskResult;
}

type Answer = (res: ServerResponse, req: IncomingMessage) => void;

export interface Hcp {
  readonly origin: string;
  readonly archive: string;
  readonly origins: readonly string[];
  readonly callbacks: Callback[];
  /** Headers with which the archive was asked. */
  readonly archiveCalls: IncomingMessage['headers'][];
  /** How the plan is answered, instead of by a redirect to the archive. */
  planAnswer: Answer | undefined;
  /** What the archive serves. */
  plan: string;
  /** How a callback is answered. */
  callbackAnswer: Answer;
  planRequests: number;
  close(): Promise<void>;
}

/** Creates two machines: one that passes and one with 64 vCPUs. */
export const PLAN = JSON.stringify({
  format_version: '1.2',
  terraform_version: '1.9.0',
  resource_changes: ['m5.large', 'm5.16xlarge'].map((type, index) => ({
    address: `aws_instance.web[${index}]`,
    mode: 'managed',
    type: 'aws_instance',
    name: 'web',
    provider_name: 'registry.terraform.io/hashicorp/aws',
    change: { actions: ['create'], before: null, after: { instance_type: type, tags: {} }, after_unknown: {} },
  })),
});
export const SMALL_PLAN = JSON.stringify({ format_version: '1.2', terraform_version: '1.9.0', resource_changes: [] });

export async function createHcp(): Promise<Hcp> {
  const archive = createServer((req, res) => {
    hcp.archiveCalls.push(req.headers);
    res.writeHead(200, { 'content-type': 'application/json' }).end(hcp.plan);
  });
  const archiveOrigin = await listen(archive);
  const server = createServer((req, res) => void answer(req, res));
  const origin = await listen(server);
  const hcp: Hcp = {
    origin,
    archive: archiveOrigin,
    origins: [origin, archiveOrigin],
    callbacks: [],
    archiveCalls: [],
    planAnswer: undefined,
    plan: PLAN,
    callbackAnswer: (res) => res.writeHead(200).end(),
    planRequests: 0,
    close: async () => {
      for (const one of [server, archive]) {
        one.close();
        one.closeAllConnections();
        await once(one, 'close');
      }
    },
  };
  return hcp;

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const { authorization } = req.headers;
    if (authorization !== `Bearer ${TOKEN}`) {
      res.writeHead(401).end();
    } else if (req.method === 'GET') {
      hcp.planRequests += 1;
      if (hcp.planAnswer !== undefined) hcp.planAnswer(res, req);
      else res.writeHead(307, { location: `${hcp.archive}/object/very-secret-signature` }).end();
    } else {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as RunTaskResult;
      hcp.callbacks.push({ path: req.url ?? '', authorization, contentType: req.headers['content-type'], body });
      hcp.callbackAnswer(res, req);
    }
  }
}

async function listen(server: ReturnType<typeof createServer>): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const SAMPLE = JSON.parse(readFileSync(new URL('../fixtures/run-tasks/request-post-plan.json', import.meta.url), 'utf8')) as Record<
  string,
  unknown
>;

/** The sample of HCP's own documentation, of this HCP. */
export function requestOf({ origin }: Pick<Hcp, 'origin'>, id: string, more: object = {}): Record<string, unknown> {
  return {
    ...SAMPLE,
    access_token: TOKEN,
    task_result_id: id,
    task_result_callback_url: `${origin}/api/v2/task-results/${id}/callback`,
    plan_json_api_url: `${origin}/api/v2/plans/plan-1/json-output`,
    ...more,
  };
}

export function signatureOf(text: string, key = KEY): string {
  return createHmac('sha512', key).update(text).digest('hex');
}
