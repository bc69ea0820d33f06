import { z } from 'zod';
import { diffContent, formatChanges } from '../../policy/diff.js';
import type { Json } from '../../policy/model.js';
import { getPolicyContent } from '../../store/policies.js';
import { json, policyName, wireObject } from '../contract/values.js';
import { expecting } from '../input.js';
import { defineRoute } from '../route.js';

const version = expecting('a version such as `1.0.0`', z.string().regex(/^\d{1,9}\.\d{1,9}\.\d{1,9}$/));

const diffSchema = z
  .object({
    name: z.string(),
    from: z.string(),
    to: z.string(),
    changes: z.array(z.object({ kind: z.enum(['added', 'removed', 'changed', 'moved']), path: z.string(), from: json, to: json })),
    text: z.string().meta({ description: 'A line for each change' }),
  })
  .meta({ id: 'PolicyDiff' });

/** Answers 200 with the changes, 404 when the policy or one of the versions does not exist. */
export const policyDiff = defineRoute('GET /v1/policies/{name}/diff', {
  summary: 'Compare two versions of a policy',
  tag: 'Policies',
  params: z.object({ name: policyName }),
  query: wireObject({ from: version, to: version }),
  answers: {
    200: { description: 'What changes from one to the other', schema: diffSchema },
    404: { description: 'No such policy or version' },
  },
  async handle({ pool }, { params: { name }, query: { from, to } }) {
    const [before, after] = await Promise.all([getPolicyContent(pool, name, from), getPolicyContent(pool, name, to)]);
    const changes = diffContent(before as Json, after as Json);
    return { status: 200, body: { name, from, to, changes, text: formatChanges(changes) } };
  },
});
