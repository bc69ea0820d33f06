/** What the benchmark of remediations bundles: the real workflow, and one that takes as many steps and does nothing. */
import { condition, proxyActivities } from '@temporalio/workflow';

export { remediation } from '../src/workflows/remediation.js';

const { nothing } = proxyActivities<{ nothing: (input: object) => Promise<object> }>({ startToCloseTimeout: '10 seconds' });

/** As many activities in a row as asked for, then a timer of a moment and one more: what every remediation looks like from outside. */
export async function bare(activities: number): Promise<void> {
  for (let n = 1; n < activities; n += 1) await nothing({ n });
  await condition(() => false, 1);
  await nothing({ n: activities });
}
