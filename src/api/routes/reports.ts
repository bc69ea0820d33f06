import type { z } from 'zod';
import { DAY } from '../../policy/durations.js';
import { getComplianceReport, getExceptionsReport, getExecutiveReport, getSavingsReport, type ReportRequest } from '../../store/reports.js';
import { complianceReport, exceptionsReport, executiveReport, reportQuery, savingsReport } from '../contract/report.js';
import { given } from '../given.js';
import { defineRoute } from '../route.js';

const tag = 'Reports';
const DEFAULT_PERIOD = 30 * DAY;
const unknownPolicy = { 404: { description: 'No such policy' } };

export const reports = [
  defineRoute('GET /v1/reports/compliance', {
    summary: 'Scores by policy and team, cost impact, trends, top violators, recommendations',
    tag,
    query: reportQuery,
    answers: { 200: { description: 'The report', schema: complianceReport }, ...unknownPolicy },
    handle: async ({ pool }, { query, at }) => ({ status: 200, body: await getComplianceReport(pool, toReportRequest(query, at)) }),
  }),
  defineRoute('GET /v1/reports/executive', {
    summary: 'The compliance report in short',
    tag,
    query: reportQuery,
    answers: { 200: { description: 'The report', schema: executiveReport }, ...unknownPolicy },
    handle: async ({ pool }, { query, at }) => ({ status: 200, body: await getExecutiveReport(pool, toReportRequest(query, at)) }),
  }),
  defineRoute('GET /v1/reports/exceptions', {
    summary: 'Exceptions by status, policy and type; what expires, needs review, and costs',
    tag,
    query: reportQuery,
    answers: { 200: { description: 'The report', schema: exceptionsReport }, ...unknownPolicy },
    handle: async ({ pool }, { query, at }) => ({ status: 200, body: await getExceptionsReport(pool, toReportRequest(query, at)) }),
  }),
  defineRoute('GET /v1/reports/savings', {
    summary: 'What ending the open violations would save, and what was saved',
    tag,
    query: reportQuery,
    answers: { 200: { description: 'The report', schema: savingsReport }, ...unknownPolicy },
    handle: async ({ pool }, { query, at }) => ({ status: 200, body: await getSavingsReport(pool, toReportRequest(query, at)) }),
  }),
];

function toReportRequest({ period = DEFAULT_PERIOD, ...scope }: z.output<typeof reportQuery>, at: number): ReportRequest {
  return { scope: given(scope), period: { start: at - period, end: at } };
}
