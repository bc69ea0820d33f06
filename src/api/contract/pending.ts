import { z } from 'zod';
import { workflowLink } from './values.js';

/** Body of a 202: the outcome is not known yet. */
export const pendingSchema = z
  .object({ status: z.literal('pending'), message: z.string(), workflow: workflowLink })
  .meta({ id: 'Pending' });

export const PENDING = {
  description: 'No worker has answered yet; repeat with the same `Idempotency-Key` for the outcome',
  schema: pendingSchema,
};
