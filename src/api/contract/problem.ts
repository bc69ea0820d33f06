import { z } from 'zod';

/** RFC 9457 problem details. */
export const problemSchema = z
  .object({
    type: z.string().meta({ description: 'Stable: `/problems/` and the error code', examples: ['/problems/invalid-input'] }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string().meta({ description: 'The request id, as in the log' }),
    errors: z.array(z.object({ path: z.string(), message: z.string() })),
  })
  .meta({ id: 'Problem' });
