/** What the process answers to the shell (SPEC §3): a denial is never confused with a failure to run. */
export const EXIT = { ok: 0, couldNotRun: 1, denied: 2, policyInvalid: 3 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
