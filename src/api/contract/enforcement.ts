import { z } from 'zod';
import type { PauseRecord } from '../../policy/records.js';
import { expecting } from '../input.js';
import { instant, prose, toWireInstant, wireObject } from './values.js';

export const pauseRequest = wireObject({
  scope: expecting(
    '`all`, `policy:<name>` or `account:<id>`',
    z
      .string()
      .max(200)
      .regex(/^(all|policy:[a-z0-9-]+|account:\S+)$/),
  ),
  reason: prose(2_000),
});

const pauseSchema = z.object({ scope: z.string(), reason: z.string(), paused_by: z.string(), paused_at: instant });

/** Enforcement runs where no pause concerns it. */
export const enforcementSchema = z.object({ paused: z.boolean(), pauses: z.array(pauseSchema) }).meta({ id: 'Enforcement' });

export function toWireEnforcement(pauses: readonly PauseRecord[]): z.infer<typeof enforcementSchema> {
  return {
    paused: pauses.some((pause) => pause.scope === 'all'),
    pauses: pauses.map(({ scope, reason, pausedBy, pausedAt }) => ({
      scope,
      reason,
      paused_by: pausedBy,
      paused_at: toWireInstant(pausedAt),
    })),
  };
}
