import type { Readable } from 'node:stream';
import { z } from 'zod';
import { TollgateError } from '../../errors.js';
import { newId } from '../../ids.js';
import type { BudgetKey } from '../../policy/budget.js';
import { settleActuals } from '../../store/budget-settle.js';
import type { TimeSpan } from '../../store/budgets.js';
import type { Db } from '../../store/db.js';
import { importFocus } from '../../store/focus-import.js';
import { getFocusImport, listFocusImports } from '../../store/focus-imports.js';
import { signalBudgetChanged } from '../budget-signal.js';
import { importQuery, importSchema, importsQuery, toWireImport } from '../contract/import.js';
import { pageOf, toPageRequest, toWirePage } from '../contract/page.js';
import { importId } from '../contract/values.js';
import { DEFAULT_LIMITS } from '../limits.js';
import { defineRoute } from '../route.js';

const tag = 'Imports';

export const imports = [
  defineRoute('POST /v1/imports/focus', {
    summary: 'Import a bill (FOCUS 1.0 to 1.3, CSV, also compressed by gzip): all of it, or nothing',
    tag,
    query: importQuery,
    stream: { types: ['text/csv', 'application/gzip', 'application/x-gzip', 'application/octet-stream'] },
    idempotencyKey: false,
    answers: {
      201: { description: 'It is imported', schema: importSchema },
      413: { description: 'It is larger than this server takes' },
    },
    async handle(context, { body: bytes, query, principal, at }) {
      const wanted = {
        id: newId('imp'),
        fileName: query.file_name ?? null,
        currency: context.snapshot.get().installation.currency,
        costColumn: query.cost_column,
        createdBy: principal.id,
        startedAt: at,
      };
      const limitBytes = context.limits?.importBytes ?? DEFAULT_LIMITS.importBytes;
      const { billedAfterMs } = context.settings.budgets;
      let budgets: readonly BudgetKey[] = [];
      const settle = async (db: Db, spans: readonly TimeSpan[], settledAt: number) => {
        budgets = await settleActuals(db, spans, { at: settledAt, billedAfterMs });
      };
      try {
        const done = await importFocus(context.pool, wanted, { bytes, limitBytes }, { settle, now: context.now });
        void signalBudgetChanged(context, budgets);
        return { status: 201, headers: { location: `/v1/imports/${done.id}` }, body: toWireImport(done) };
      } catch (error) {
        if (!(error instanceof TollgateError)) throw error;
        throw new TollgateError(error.code, `${error.message} (\`${wanted.id}\`)`, { problems: error.problems, cause: error });
      } finally {
        forgetRest(bytes);
      }
    },
  }),
  defineRoute('GET /v1/imports', {
    summary: 'List imports of bills, newest first',
    tag,
    query: importsQuery,
    answers: { 200: { description: 'A page of imports', schema: pageOf(importSchema) } },
    async handle(context, { query }) {
      return { status: 200, body: toWirePage(await listFocusImports(context.pool, toPageRequest(query)), toWireImport) };
    },
  }),
  defineRoute('GET /v1/imports/{id}', {
    summary: 'Show an import: how far it is while it runs, what it replaced when done, why it was refused',
    tag,
    params: z.object({ id: importId }),
    answers: { 200: { description: 'The import', schema: importSchema }, 404: { description: 'No such import' } },
    async handle(context, { params }) {
      return { status: 200, body: toWireImport(await getFocusImport(context.pool, params.id)) };
    },
  }),
];

/** What still comes is read and forgotten, so that the caller gets to read why, and may ask again on the same connection. */
function forgetRest(bytes: Readable): void {
  // A reader that gave up may still listen, and a stream that is listened to so does not flow until a moment after it is no more.
  bytes.removeAllListeners('readable');
  setImmediate(() => bytes.resume());
}
