import { TollgateError } from '../../errors.js';
import type { PauseRecord } from '../../policy/records.js';
import { transaction } from '../../store/db.js';
import { clearPause, listPauses, setPause } from '../../store/pauses.js';
import { listWaitingWorkflows } from '../../store/remediations.js';
import { lookAgain } from '../../workflows/remediation-messages.js';
import { enforcementSchema, pauseRequest, toWireEnforcement } from '../contract/enforcement.js';
import type { AppContext } from '../deps.js';
import { given } from '../given.js';
import { defineRoute } from '../route.js';
import { isTemporalAway } from '../temporal-access.js';

const tag = 'Enforcement';
const answers = { 200: { description: 'What is paused now', schema: enforcementSchema } };

export const enforcement = [
  defineRoute('GET /v1/enforcement', {
    summary: 'Show what is paused',
    tag,
    answers,
    handle: async ({ pool }) => ({ status: 200, body: toWireEnforcement(await listPauses(pool)) }),
  }),
  defineRoute('POST /v1/enforcement/pause', {
    summary: 'Stop acting, everywhere or for one policy or account; nothing is lost',
    tag,
    body: pauseRequest,
    answers: { ...answers, 404: { description: 'No such policy' } },
    async handle({ pool, snapshot }, { body, principal, at }) {
      const pauses = await transaction(pool, async (db) => {
        await requireKnownScope(body.scope, (name) => db.query('select 1 from policies where name = $1', [name]));
        await setPause(db, { ...body, principal: principal.id, at });
        return listPauses(db);
      });
      await snapshot.refresh();
      return { status: 200, body: toWireEnforcement(pauses) };
    },
  }),
  defineRoute('POST /v1/enforcement/resume', {
    summary: 'Lift a pause; what waited for it looks again at once',
    tag,
    body: pauseRequest,
    answers: { ...answers, 409: { description: 'The scope is not paused' } },
    async handle(context, { body, principal, at }) {
      const { pool, snapshot } = context;
      const [lifted, pauses] = await transaction(pool, async (db) => {
        const cleared = await clearPause(db, { ...body, principal: principal.id, at });
        return [cleared, await listPauses(db)] as const;
      });
      if (lifted === undefined) throw new TollgateError('conflict', `\`${body.scope}\` is not paused`);
      await snapshot.refresh();
      void wakeWaiting(context, lifted).catch((error: unknown) =>
        context.log.warn({ err: error, scope: body.scope }, 'could not wake what waits'),
      );
      return { status: 200, body: toWireEnforcement(pauses) };
    },
  }),
];

/** A misspelt policy would leave the real one acting. Accounts are not checked: one may be paused before its first scan. */
async function requireKnownScope(scope: string, find: (policy: string) => Promise<{ readonly rowCount: number | null }>): Promise<void> {
  const [kind, name = ''] = scope.split(':', 2);
  if (kind === 'policy' && (await find(name)).rowCount === 0) throw new TollgateError('not-found', `no policy \`${name}\``);
}

/** Tells the remediations concerned, so that they need not wait for their next look; without Temporal they look by themselves. */
async function wakeWaiting({ pool, temporal }: AppContext, { scope }: PauseRecord): Promise<void> {
  if (await isTemporalAway(temporal)) return;
  const policyName = scope.startsWith('policy:') ? scope.slice('policy:'.length) : undefined;
  const account = scope.startsWith('account:') ? scope.slice('account:'.length) : undefined;
  for (const id of await listWaitingWorkflows(pool, given({ policyName, account }))) {
    await temporal.client.workflow
      .getHandle(id)
      .signal(lookAgain)
      .catch(() => {});
  }
}
