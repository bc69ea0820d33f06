/** Those parts of Kubernetes objects that are read; everything else is let through unread. */
import { z } from 'zod';
import { parseQuantity } from './quantity.js';

const quantity = z.unknown().transform((value, context) => {
  const amount = parseQuantity(value);
  if (amount !== undefined) return amount;
  context.addIssue({
    code: 'custom',
    message: `expected a quantity such as \`500m\` or \`2Gi\`, got \`${String(JSON.stringify(value)).slice(0, 100)}\``,
  });
  return z.NEVER;
});

/** Go leaves out what is empty or writes it as null. */
const nullable = <S extends z.ZodType>(schema: S) => schema.nullish().transform((value) => value ?? undefined);

const amounts = z.looseObject({ cpu: nullable(quantity), memory: nullable(quantity), storage: nullable(quantity) });
const resources = z.looseObject({ requests: nullable(amounts), limits: nullable(amounts) });
const container = z.looseObject({ resources: nullable(resources), restartPolicy: nullable(z.string()) });
const podSpec = z.looseObject({
  containers: nullable(z.array(container)),
  initContainers: nullable(z.array(container)),
  overhead: nullable(amounts),
  resources: nullable(resources),
});
const metadata = z.looseObject({
  name: nullable(z.string()),
  generateName: nullable(z.string()),
  labels: nullable(z.record(z.string(), z.string())),
  deletionTimestamp: nullable(z.string()),
});
const object = <S extends z.ZodType>(spec: S) => z.looseObject({ metadata: nullable(metadata), spec });

const count = z.int().nonnegative();
const template = z.looseObject({ spec: podSpec });
const claimSpec = z.looseObject({ resources: nullable(resources), storageClassName: nullable(z.string()) });
const jobSpec = z.looseObject({ template, parallelism: nullable(count), completions: nullable(count) });

export const pod = object(podSpec);
export const replicated = object(
  z.looseObject({ template, replicas: nullable(count), volumeClaimTemplates: nullable(z.array(object(claimSpec))) }),
);
export const daemonSet = object(z.looseObject({ template }));
export const job = object(jobSpec);
export const cronJob = object(z.looseObject({ jobTemplate: z.looseObject({ spec: jobSpec }) }));
export const claim = object(claimSpec);

export type Amounts = z.output<typeof amounts>;
export type Resources = z.output<typeof resources>;
export type Container = z.output<typeof container>;
export type PodSpec = z.output<typeof podSpec>;
export type Claim = z.output<typeof claim>;
export type Metadata = z.output<typeof metadata>;
