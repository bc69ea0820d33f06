import type { Instant } from '../policy/model.js';
import type { ScanScope } from '../policy/records.js';

/** What a report is about: what is given must all match. With a policy: the resources that it applies to, and its violations only. */
export interface ReportScope extends ScanScope {
  readonly team?: string;
  readonly policy?: string;
}

export interface Period {
  /** Inclusive. */
  readonly start: Instant;
  readonly end: Instant;
}

export interface ReportMetadata {
  readonly generated_at: string;
  readonly period_start: string;
  readonly period_end: string;
  readonly scope: 'all' | Readonly<ReportScope>;
  readonly currency: string;
}

/** What the shaping of every report starts from. */
export interface ReportFrame {
  readonly scope: ReportScope;
  readonly period: Period;
  readonly currency: string;
}

export function iso(at: Instant): string;
export function iso(at: Instant | null): string | null;
export function iso(at: Instant | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

export function toMetadata({ scope, period, currency }: ReportFrame): ReportMetadata {
  return {
    generated_at: iso(period.end),
    period_start: iso(period.start),
    period_end: iso(period.end),
    scope: Object.keys(scope).length === 0 ? 'all' : scope,
    currency,
  };
}
