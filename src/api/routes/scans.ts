import { ServiceError, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { z } from 'zod';
import { TollgateError } from '../../errors.js';
import { transaction } from '../../store/db.js';
import { getScan, listScans, type NewScan, openScan } from '../../store/scans.js';
import { WORKFLOWS, workflowIds } from '../../workflows/messages.js';
import type { ScanCycleInput } from '../../workflows/scan-messages.js';
import { pageOf, toPageRequest, toWirePage } from '../contract/page.js';
import { scanQuery, scanRequest, scanSchema, scanStarted, toScope, toWireScan } from '../contract/scan.js';
import { scanId } from '../contract/values.js';
import type { AppContext } from '../deps.js';
import { linkToWorkflow } from '../links.js';
import { defineRoute } from '../route.js';
import { requireTemporal, temporalAway } from '../temporal-access.js';

const tag = 'Scans';

export const scans = [
  defineRoute('POST /v1/scans', {
    summary: 'Start a scan of everything, or of a part',
    tag,
    body: scanRequest.optional(),
    answers: { 202: { description: 'It runs; follow it by its id', schema: scanStarted } },
    async handle(context, { body, principal, at, newId }) {
      const request = body ?? { dry_run: false };
      refuseUnknownProvider(context, request.provider);
      const id = newId('scan');
      const workflowId = workflowIds.scan(id);
      const scan: NewScan = {
        id,
        trigger: 'manual',
        scope: toScope(request),
        dryRun: request.dry_run,
        requestedBy: principal.id,
        workflowId,
      };
      await startScan(context, scan, at);
      const body202 = { id, status: 'running', workflow: linkToWorkflow(context, workflowId) };
      return { status: 202, headers: { location: `/v1/scans/${id}` }, body: body202, workflowId };
    },
  }),
  defineRoute('GET /v1/scans', {
    summary: 'List scans, newest first',
    tag,
    query: scanQuery,
    answers: { 200: { description: 'A page of scans', schema: pageOf(scanSchema) } },
    async handle(context, { query }) {
      const page = await listScans(context.pool, { status: query.status }, toPageRequest(query));
      return { status: 200, body: toWirePage(page, (scan) => toWireScan(scan, linkToWorkflow(context, scan.workflowId))) };
    },
  }),
  defineRoute('GET /v1/scans/{id}', {
    summary: 'Show a scan: its progress while it runs, its summary when done',
    tag,
    params: z.object({ id: scanId }),
    answers: { 200: { description: 'The scan', schema: scanSchema }, 404: { description: 'No such scan' } },
    async handle(context, { params }) {
      const scan = await getScan(context.pool, params.id);
      return { status: 200, body: toWireScan(scan, linkToWorkflow(context, scan.workflowId)) };
    },
  }),
];

function refuseUnknownProvider({ providers }: AppContext, provider: string | undefined): void {
  if (provider === undefined || providers.includes(provider)) return;
  const message = `expected one of ${providers.map((name) => `\`${name}\``).join(', ')}, got \`${provider}\``;
  throw new TollgateError('invalid-input', '1 problem in the request body', { problems: [{ path: 'provider', message }] });
}

const START_DEADLINE_MS = 5_000;

/**
 * Starts the workflow, then opens the scan: nothing of the database is held while Temporal is waited for, and a start that is refused
 * leaves nothing behind. When the row cannot be written after that, or the answer of Temporal comes too late, the workflow opens its
 * scan itself, with the same audit row.
 *
 * @throws TollgateError `unavailable` when Temporal does not answer in time
 */
async function startScan(context: AppContext, scan: NewScan, at: number): Promise<void> {
  await requireTemporal(context.temporal);
  await startWorkflow(context, scan);
  await transaction(context.pool, (db) => openScan(db, scan, at));
}

async function startWorkflow({ temporal, settings }: AppContext, scan: NewScan): Promise<void> {
  const { parallelShards, pageSize } = settings.scan;
  const { id, trigger, scope, dryRun, requestedBy } = scan;
  const input: ScanCycleInput = { scanId: id, trigger, scope, dryRun, requestedBy, parallelShards, pageSize };
  try {
    await temporal.client.withDeadline(Date.now() + START_DEADLINE_MS, () =>
      temporal.client.workflow.start(WORKFLOWS.scanCycle, {
        taskQueue: temporal.taskQueue,
        workflowId: scan.workflowId,
        args: [input],
        staticSummary: `scan asked for by ${requestedBy}${dryRun ? ', dry run' : ''}`,
      }),
    );
  } catch (error) {
    // A repeat, after an answer that was lost.
    if (error instanceof WorkflowExecutionAlreadyStartedError) return;
    if (error instanceof ServiceError) throw temporalAway(temporal.address, error);
    throw error;
  }
}
