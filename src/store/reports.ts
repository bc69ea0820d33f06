/** The reports of SPEC §9, each read at one instant of the database, so that its parts agree. They are wire documents: see `src/report`. */
import { TollgateError } from '../errors.js';
import { type ComplianceReport, toComplianceReport } from '../report/compliance.js';
import { type ExceptionsReport, toExceptionsReport } from '../report/exceptions.js';
import { type ExecutiveReport, toExecutiveReport } from '../report/executive.js';
import type { ComplianceFacts } from '../report/facts.js';
import { type SavingsReport, toSavingsReport } from '../report/savings.js';
import type { Period, ReportScope } from '../report/scope.js';
import { type Db, type Pool, transaction } from './db.js';
import { getInstallation } from './installation.js';
import { loadExceptedCost, loadExceptionCounts, loadExpiringSoon, loadNeedingReview } from './report-exceptions.js';
import { loadCost, loadOpenViolations, loadPotentialSavings, loadRealisedSavings, loadTrends, loadViolators } from './report-facts.js';
import { loadGroupTallies, loadPolicyTallies, overallOf, teamsOf } from './report-scores.js';
import { loadScoreHistory } from './scores.js';

export interface ReportRequest {
  readonly scope: ReportScope;
  /** Ends now: what is open counts as it is at its end. */
  readonly period: Period;
}

/** @throws not-found when the scope names a policy that does not exist */
export function getComplianceReport(pool: Pool, request: ReportRequest): Promise<ComplianceReport> {
  return atOneInstant(pool, async (db) => toComplianceReport(await loadComplianceFacts(db, request)));
}

/** @throws not-found when the scope names a policy that does not exist */
export function getExecutiveReport(pool: Pool, request: ReportRequest): Promise<ExecutiveReport> {
  return atOneInstant(pool, async (db) => {
    const compliance = toComplianceReport(await loadComplianceFacts(db, request));
    const counts = await loadExceptionCounts(db, request.scope, request.period);
    const active = counts.reduce((total, { status, count }) => (status === 'approved' ? total + count : total), 0);
    return toExecutiveReport(compliance, active, request.period);
  });
}

/** @throws not-found when the scope names a policy that does not exist */
export function getExceptionsReport(pool: Pool, { scope, period }: ReportRequest): Promise<ExceptionsReport> {
  return atOneInstant(pool, async (db) => {
    await refuseUnknownPolicy(db, scope);
    return toExceptionsReport({
      scope,
      period,
      currency: (await getInstallation(db)).currency,
      counts: await loadExceptionCounts(db, scope, period),
      expiringSoon: await loadExpiringSoon(db, scope, period.end),
      needingReview: await loadNeedingReview(db, scope, period.end),
      ...(await loadExceptedCost(db, scope, period.end)),
    });
  });
}

/** @throws not-found when the scope names a policy that does not exist */
export function getSavingsReport(pool: Pool, { scope, period }: ReportRequest): Promise<SavingsReport> {
  return atOneInstant(pool, async (db) => {
    await refuseUnknownPolicy(db, scope);
    return toSavingsReport({
      scope,
      period,
      currency: (await getInstallation(db)).currency,
      potential: await loadPotentialSavings(db, scope, period.end),
      realised: await loadRealisedSavings(db, scope, period),
    });
  });
}

async function loadComplianceFacts(db: Db, { scope, period }: ReportRequest): Promise<ComplianceFacts> {
  await refuseUnknownPolicy(db, scope);
  const at = period.end;
  const groups = await loadGroupTallies(db, scope, at);
  const history = await loadScoreHistory(db, scope, period);
  return {
    scope,
    period,
    currency: (await getInstallation(db)).currency,
    overall: overallOf(groups),
    teams: teamsOf(groups),
    scoreAtStart: history.atStart,
    scores: history.scores,
    policies: await loadPolicyTallies(db, scope, at),
    violations: await loadOpenViolations(db, scope, at),
    cost: await loadCost(db, scope, period),
    trends: await loadTrends(db, scope, period),
    violators: await loadViolators(db, scope, at),
  };
}

/** Of a misspelt policy nothing would be wrong: 100 would be a lie. */
async function refuseUnknownPolicy(db: Db, { policy }: ReportScope): Promise<void> {
  if (policy === undefined) return;
  const { rowCount } = await db.query('select 1 from policies where name = $1', [policy]);
  if (rowCount === 0) throw new TollgateError('not-found', `there is no policy \`${policy}\``);
}

function atOneInstant<T>(pool: Pool, work: (db: Db) => Promise<T>): Promise<T> {
  return transaction(pool, async (db) => {
    await db.query('set transaction isolation level repeatable read, read only');
    // Whole fleets are grouped in memory; compiling these statements costs more than it saves.
    await db.query(`set local work_mem = '64MB'`);
    await db.query('set local jit = off');
    return work(db);
  });
}
