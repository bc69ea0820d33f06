/** What crosses Temporal for the delivery of notices. */

export interface NoticeDeliveryInput {
  /** A recipient's notices are delivered together when none has been added for so long … */
  readonly quietMs: number;
  /** … and wait for each other no longer than this. */
  readonly longestWaitMs: number;
  /** How often to look when nothing is announced. */
  readonly pollMs: number;
  /** One activity delivers for so long before the next takes over. */
  readonly runForMs: number;
  /** A worker that is silent for so long is taken for dead. */
  readonly heartbeatMs: number;
  /** What a dead worker had claimed is due again after so long: longer than any delivery takes. */
  readonly leaseMs: number;
}
