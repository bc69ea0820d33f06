/** What a remediation is about, in words for people: in notices, in Temporal's UI, in answers. Pure. */
import type { Instant } from './model.js';
import type { RemediationAction, WaitingFor } from './records.js';

const ACTION_WORDS: Readonly<Record<RemediationAction, string>> = {
  send_notification: 'notify the owner of',
  add_tags: 'tag',
  stop_instance: 'stop',
  terminate_instance: 'terminate',
  resize_instance: 'resize',
  delete_volume: 'delete volume',
  delete_address: 'release address',
  delete_snapshot: 'delete snapshot',
};

/** `stop`, `delete volume`: what is done to the resource whose name follows. */
export function actionWords(action: RemediationAction): string {
  return ACTION_WORDS[action];
}

/** `on 2026-11-22 10:00:00 UTC`. */
export function instantWords(at: Instant): string {
  return `on ${utcWords(at)}`;
}

/** `2026-11-22 10:00:00 UTC`. */
export function utcWords(at: Instant): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

const WAITING_WORDS: Readonly<Record<WaitingFor, string>> = {
  consent: 'waits for an operator to approve the action',
  blast_radius: 'waits for an operator to release the batch, which is over the blast-radius limit',
  pending_exception: 'waits for an exception request to be decided',
  pause: 'waits for enforcement to be resumed',
  operator: 'failed, and waits for an operator to retry or cancel',
  provider: 'waits for the provider to answer',
};

export function waitingWords(waitingFor: WaitingFor): string {
  return WAITING_WORDS[waitingFor];
}
