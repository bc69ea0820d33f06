import { z } from 'zod';
import { COST_COLUMNS, type FocusImport } from '../../policy/house-records.js';
import { sum } from '../../policy/money.js';
import { expecting } from '../input.js';
import { pageQuery } from './page.js';
import { instant, text, toWireInstant, wireObject } from './values.js';

export const importQuery = wireObject({
  file_name: text(500).optional().meta({ description: 'What to call the file in answers' }),
  cost_column: expecting(`one of ${COST_COLUMNS.join(', ')}`, z.enum(COST_COLUMNS))
    .default('EffectiveCost')
    .meta({
      description: 'What budgets count',
    }),
});
export const importsQuery = wireObject(pageQuery);

const money = z
  .string()
  .meta({ description: 'Exact decimal number as text; negative where credits outweigh', examples: ['14.97651418586'] });

export const importSchema = z
  .object({
    id: z.string(),
    status: z.enum(['running', 'completed', 'refused', 'failed']),
    file_name: z.string().nullable(),
    sha256: z.string().nullable().meta({ description: 'Of the bytes as they were sent' }),
    bytes: z.int().meta({ description: 'Read so far, as they were sent' }),
    focus_version: z.string().nullable(),
    cost_column: z.enum(COST_COLUMNS),
    currency: z.string(),
    rows: z.int(),
    refused_rows: z.int(),
    problems: z
      .array(z.object({ line: z.int(), column: z.string().nullable(), message: z.string() }))
      .meta({ description: 'Of the first hundred refused rows' }),
    cost: money.nullable().meta({ description: 'Of all rows; null unless it is completed' }),
    billing_periods: z.array(
      z.object({ billing_account: z.string(), start: instant, end: instant, rows: z.int(), cost: money, replaced_rows: z.int() }),
    ),
    notices: z.array(z.string()),
    reason: z.string().nullable().meta({ description: 'Why it was refused or failed' }),
    created_by: z.string(),
    started_at: instant,
    ended_at: instant.nullable(),
  })
  .meta({ id: 'FocusImport' });

export function toWireImport(done: FocusImport): z.infer<typeof importSchema> {
  return {
    id: done.id,
    status: done.status,
    file_name: done.fileName,
    sha256: done.sha256,
    bytes: done.bytes,
    focus_version: done.focusVersion,
    cost_column: done.costColumn,
    currency: done.currency,
    rows: done.rows,
    refused_rows: done.refusedRows,
    problems: [...done.problems],
    cost: done.status === 'completed' ? sum(done.billingPeriods.map(({ cost }) => cost)) : null,
    billing_periods: done.billingPeriods.map(({ billingAccount, start, end, rows, cost, replacedRows }) => ({
      billing_account: billingAccount,
      start: toWireInstant(start),
      end: toWireInstant(end),
      rows,
      cost,
      replaced_rows: replacedRows,
    })),
    notices: [...done.notices],
    reason: done.reason,
    created_by: done.createdBy,
    started_at: toWireInstant(done.startedAt),
    ended_at: toWireInstant(done.endedAt),
  };
}
