import { z } from 'zod';
import { unreadableOf } from '../../store/enforcing.js';
import { defineRoute, type Route } from '../route.js';
import { isTemporalAway } from '../temporal-access.js';

const tag = 'Service';

const readiness = z
  .object({
    ready: z.boolean(),
    version: z.string(),
    away: z.array(z.object({ part: z.enum(['database', 'temporal', 'policies']), problem: z.string() })),
    policies: z.int().meta({ description: 'How many enforce' }),
    decisions_waiting: z.int().meta({ description: 'Decisions that are in memory only' }),
    acceleration: z
      .int()
      .nullable()
      .meta({ description: 'N of the demonstration clock: an hour of waiting passes in 1/N of one; 1 is real time' }),
    currency: z.string().nullable(),
    banner: z.string().nullable(),
  })
  .meta({ id: 'Readiness' });
type Away = z.infer<typeof readiness>['away'];

export const health = [
  defineRoute('GET /healthz', {
    summary: 'Says that the process lives',
    tag,
    answers: { 200: { description: 'It lives', schema: z.object({ status: z.literal('ok') }) } },
    handle: async () => ({ status: 200, body: { status: 'ok' } }),
  }),
  defineRoute('GET /readyz', {
    summary: 'Says whether it can evaluate, and names what is away',
    tag,
    answers: {
      200: { description: 'Policies are loaded', schema: readiness },
      503: { description: 'Policies were never loaded', schema: readiness },
    },
    async handle({ snapshot, temporal, decisionLog, version }) {
      const away: Away = [];
      if (!snapshot.loaded) away.push({ part: 'policies', problem: 'never loaded since the start' });
      if (snapshot.degraded) away.push({ part: 'database', problem: snapshot.problem ?? 'unreachable' });
      if (await isTemporalAway(temporal)) away.push({ part: 'temporal', problem: `${temporal.address} does not answer` });
      const state = snapshot.loaded ? snapshot.get() : undefined;
      if (state !== undefined) for (const problem of unreadableOf(state.policies)) away.push({ part: 'policies', problem });
      const acceleration = state?.installation.acceleration ?? null;
      const body: z.infer<typeof readiness> = {
        ready: snapshot.loaded,
        version,
        away,
        policies: state?.policies.policies.length ?? 0,
        decisions_waiting: decisionLog.waiting,
        acceleration,
        currency: state?.installation.currency ?? null,
        banner: acceleration === null || acceleration === 1 ? null : `demonstration clock: waiting runs ${acceleration} times as fast`,
      };
      return { status: snapshot.loaded ? 200 : 503, body };
    },
  }),
  defineRoute('GET /metrics', {
    summary: 'Metrics for Prometheus',
    tag,
    answers: { 200: { description: 'Prometheus text format', schema: z.string(), contentType: 'text/plain' } },
    async handle({ metrics: { registry } }) {
      return { status: 200, headers: { 'content-type': registry.contentType }, body: await registry.metrics() };
    },
  }),
];

/** The document is made at the first request for it. */
export function openApiRoute(document: () => object): Route {
  let made: string | undefined;
  return defineRoute('GET /v1/openapi.json', {
    summary: 'This document',
    tag,
    answers: { 200: { description: 'OpenAPI 3.1', schema: z.record(z.string(), z.unknown()) } },
    async handle() {
      made ??= JSON.stringify(document());
      return { status: 200, headers: { 'content-type': 'application/json; charset=utf-8' }, body: made };
    },
  });
}
