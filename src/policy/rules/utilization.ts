/** `Utilization`: running resources that hardly do anything. */
import { DAY } from '../durations.js';
import type { Metrics, Resource, UtilizationRule } from '../model.js';
import { kindOf } from '../specs.js';
import type { FailedCheck } from '../verdict.js';
import { type Check, joinMessages, NOT_GIVEN, type RuleKind, unknown } from './check.js';

/** The providers' words for a resource that does its work; anything else is stopped, starting or going away. */
const RUNNING: ReadonlySet<string> = new Set(['running', 'available', 'active', 'in-use']);

/** Whether an average is below its limit: true without a limit, undefined when the average is not known. */
function isBelow(average: number | null, limit: number | undefined): boolean | undefined {
  if (limit === undefined) return true;
  return average === null ? undefined : average < limit;
}

/** `CPU: 1.2%, Network: 310KB/day` */
function averages(rule: UtilizationRule, { avgCpuPercent, avgNetworkBytesPerDay }: Metrics): string {
  const parts: string[] = [];
  if (rule.avgCpuBelowPercent !== undefined && avgCpuPercent !== null) parts.push(`CPU: ${avgCpuPercent.toFixed(1)}%`);
  if (rule.avgNetworkBelowBytesPerDay !== undefined && avgNetworkBytesPerDay !== null) {
    parts.push(`Network: ${(avgNetworkBytesPerDay / 1_000).toFixed(0)}KB/day`);
  }
  return parts.join(', ');
}

function idleCheck(rule: UtilizationRule, resource: Resource, metrics: Metrics): FailedCheck {
  const { avgCpuPercent, avgNetworkBytesPerDay, days } = metrics;
  return {
    path: 'metrics',
    observed: { avg_cpu_percent: avgCpuPercent, avg_network_bytes_per_day: avgNetworkBytesPerDay, days },
    limit: {
      avg_cpu_below_percent: rule.avgCpuBelowPercent ?? null,
      avg_network_below_bytes_per_day: rule.avgNetworkBelowBytesPerDay ?? null,
    },
    message: `${kindOf(resource.type).noun} appears idle (${averages(rule, metrics)} avg over ${days} ${days === 1 ? 'day' : 'days'})`,
    fix: null,
  };
}

/** Idle when all averages given are below their limits; one that is not below decides, even when the other is not known. */
function compileCheck(rule: UtilizationRule): Check {
  const noState = unknown('state', NOT_GIVEN);
  const noMetrics = unknown('metrics', NOT_GIVEN);
  const tooFewDays = unknown('metrics.days', 'too few days of metrics');
  return (resource) => {
    const { metered, stoppable } = kindOf(resource.type);
    if (!metered) return 'not-applicable';
    if (resource.state === null) return noState;
    if (!RUNNING.has(resource.state)) return 'not-applicable';
    const { metrics } = resource;
    if (metrics === null) return noMetrics;
    if (metrics.days * DAY < rule.periodMs) return tooFewDays;
    const cpu = isBelow(metrics.avgCpuPercent, rule.avgCpuBelowPercent);
    const network = isBelow(metrics.avgNetworkBytesPerDay, rule.avgNetworkBelowBytesPerDay);
    if (cpu === false || network === false) return 'passed';
    if (cpu === undefined || network === undefined) return noMetrics;
    return { kind: 'failed', check: idleCheck(rule, resource, metrics), action: stoppable ? 'stop' : 'notify' };
  };
}

export const utilization: RuleKind<'Utilization'> = {
  points: ['scan'],
  scanSeverity: 'medium',
  denial: null,
  compile: (rule) => ({ checks: [compileCheck(rule)], summarize: joinMessages }),
};
