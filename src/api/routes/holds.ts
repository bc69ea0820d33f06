import { z } from 'zod';
import { appendAudit } from '../../store/audit.js';
import { type Db, transaction } from '../../store/db.js';
import { commitHold, type HoldMove, type MovedHold, releaseHold } from '../../store/hold-moves.js';
import { signalBudgetChanged } from '../budget-signal.js';
import { holdSchema, toWireHold } from '../contract/budget.js';
import { holdId } from '../contract/values.js';
import type { AppContext } from '../deps.js';
import { type Call, defineRoute, type Reply } from '../route.js';

const tag = 'Budgets';
const params = z.object({ id: holdId });
const answers = {
  200: { description: 'The hold after it; the same for each repeat', schema: holdSchema },
  404: { description: 'No such hold' },
  409: { description: 'It is no longer held: it expired, was released, replaced or committed' },
};

export const holds = [
  defineRoute('POST /v1/holds/{id}/commit', {
    summary: 'Say that what a hold was for is deployed: its money is committed until it is billed',
    tag,
    params,
    answers,
    handle: (context, call) => move(context, call, 'hold.commit', commitHold),
  }),
  defineRoute('POST /v1/holds/{id}/release', {
    summary: 'Give a hold back: what it was for is not deployed',
    tag,
    params,
    answers,
    handle: (context, call) => move(context, call, 'hold.release', releaseHold),
  }),
];

async function move(
  context: AppContext,
  { params: { id }, principal, at }: Call<z.output<typeof params>>,
  action: 'hold.commit' | 'hold.release',
  act: (db: Db, move: HoldMove) => Promise<MovedHold>,
): Promise<Reply> {
  const { before, after } = await transaction(context.pool, async (db) => {
    const moved = await act(db, { id, principal: principal.id, at });
    const changed = moved.before.status !== moved.after.status;
    if (changed) await appendAudit(db, { principal: principal.id, action, subject: id, ...moved, at });
    return moved;
  });
  if (before.status !== after.status) void signalBudgetChanged(context, [after]);
  const { currency } = context.snapshot.get().installation;
  return { status: 200, body: toWireHold(after, { currency, at }) };
}
