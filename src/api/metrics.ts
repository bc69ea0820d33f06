import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { DecisionWord } from '../policy/verdict.js';

export interface Metrics {
  readonly registry: Registry;
  readonly observeRequest: (method: string, route: string, status: number, seconds: number) => void;
  readonly countDecision: (decision: DecisionWord, degraded: boolean) => void;
}

/** Metrics of one app, in a registry of their own, so that two apps in a process do not share counts. */
export function createMetrics(state: { readonly degraded: () => boolean; readonly waitingDecisions: () => number }): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'tollgate_http_request_seconds',
    help: 'Time to answer, by route and status',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const decisions = new Counter({
    name: 'tollgate_decisions_total',
    help: 'Evaluations, by decision',
    labelNames: ['decision'],
    registers,
  });
  const degraded = new Counter({ name: 'tollgate_degraded_decisions_total', help: 'Evaluations answered from memory alone', registers });
  gauge(registers, 'tollgate_degraded', 'One while what is in memory may be out of date', () => (state.degraded() ? 1 : 0));
  gauge(registers, 'tollgate_decisions_waiting', 'Decisions that are in memory only', state.waitingDecisions);
  return {
    registry,
    observeRequest(method, route, status, seconds) {
      requests.observe({ method, route, status: String(status) }, seconds);
    },
    countDecision(decision, isDegraded) {
      decisions.inc({ decision });
      if (isDegraded) degraded.inc();
    },
  };
}

function gauge(registers: Registry[], name: string, help: string, read: () => number): void {
  // The registry holds on to it.
  void new Gauge({
    name,
    help,
    registers,
    collect() {
      this.set(read());
    },
  });
}
