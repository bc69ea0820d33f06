/** What an installation may set, as the house uses it; durations in ms. `config.ts` reads `config/settings.yaml` into this and has the defaults. */
export interface Settings {
  readonly currency: string;
  /** `observe` writes nothing at the provider. First match by (provider, account) wins; `simulated` defaults to `enforce`, all others to `observe`. */
  readonly accounts: readonly { readonly provider: string; readonly account: string; readonly mode: AccountMode }[];
  readonly allowAutoTerminate: boolean;
  readonly allowAutoDeleteVolumes: boolean;
  readonly createSnapshotBeforeStop: boolean;
  readonly blastRadius: {
    /** Acted in the last `windowMs` plus due in the next: at most max(`min`, `percent` of the policy's applicable resources). */
    readonly policy: { readonly min: number; readonly percent: number };
    readonly team: { readonly min: number; readonly percent: number };
    /** Estimated savings acted on in an hour, in the installation's currency; null is off. */
    readonly moneyPerHour: string | null;
    readonly windowMs: number;
  };
  readonly course: {
    readonly highGraceMs: number;
    readonly mediumNoticeMs: number;
    readonly remindersBeforeMs: readonly number[];
    readonly undoWindowMs: number;
    readonly maxPostponeMs: number;
    /** After an undo or a cancel, a still violating resource starts a new episode when this has passed. */
    readonly newEpisodeAfterMs: number;
  };
  readonly exceptions: {
    readonly remindAfterMs: number;
    readonly escalateAfterMs: number;
    readonly lapseAfterMs: number;
    /** While a request is pending, destructive steps wait at most this long per violation. */
    readonly holdDestructiveMs: number;
    readonly warnBeforeMs: number;
    readonly closeWhenCompliantMs: number;
    readonly reviewIntervalDays: number;
  };
  readonly runTasks: {
    /** Where plans are fetched from and results are sent to, `https://app.terraform.io`; nothing else is called. */
    readonly origins: readonly string[];
  };
  readonly budgets: {
    /** A hold that is not committed by then is given back. Never divided by the demonstration clock. */
    readonly holdExpiresAfterMs: number;
    /** What was committed so long before the end of the billing data is taken for billed, also where no row names its resource. */
    readonly billedAfterMs: number;
  };
  readonly scan: {
    /** Daily, UTC. */
    readonly hour: number;
    readonly minute: number;
    /** Days after which `Utilization` metrics are asked for; the longest `period` of the policies wins. */
    readonly pageSize: number;
    readonly parallelShards: number;
  };
}

export type AccountMode = 'observe' | 'enforce';

/** The mode of an account: the first setting that matches, else `enforce` for the simulated cloud and `observe` for every real one. */
export function accountMode(settings: Settings, provider: string, account: string): AccountMode {
  for (const entry of settings.accounts) {
    if ((entry.provider === '*' || entry.provider === provider) && (entry.account === '*' || entry.account === account)) return entry.mode;
  }
  return provider === 'simulated' ? 'enforce' : 'observe';
}
