import { createHash } from 'node:crypto';
import { addressed, type NewNotice } from '../store/outbox.js';
import type { WireDecision } from './contract/evaluate.js';

const FINDINGS_TOLD = 10;

/** What a denial tells its requester, and under which key: the same key is told once. */
export interface DenialNotice {
  readonly key: string;
  readonly notices: readonly NewNotice[];
}

/** A pipeline that tries again and again is told once an hour of the same findings, not at each denial. */
export function denialNotice(log: object, answer: WireDecision, requester: string): DenialNotice | null {
  const hour = answer.evaluated_at.slice(0, HOUR_OF_INSTANT);
  const key = keyOf(answer, requester);
  if (toldBy(log).has(key, hour)) return null;
  const hash = createHash('sha256').update(key).digest('hex');
  const message = { subject: `denial:${hash}`, stage: `denied ${hour}`, title: answer.message, body: bodyOf(answer) };
  return { key, notices: addressed(message, [requester]) };
}

const HOUR_OF_INSTANT = '2026-11-22T10'.length;

/** Of a large plan's many findings. */
const FINDINGS_COMPARED = 200;

/** NUL keeps the parts apart: no text of a request holds it. */
function keyOf({ violations, unknowns }: WireDecision, requester: string): string {
  let key = `${requester}\0${violations.length}\0${unknowns.length}`;
  for (const findings of [violations, unknowns])
    for (const { policy_name: policy, rule_name: rule, resource_id: id, path } of findings.slice(0, FINDINGS_COMPARED))
      key += `\0${policy}\0${rule}\0${id}\0${path}`;
  return key;
}

function bodyOf({ violations, decision_id: id }: WireDecision): string {
  const lines = violations
    .slice(0, FINDINGS_TOLD)
    .map((finding) => `${finding.resource_id}: ${finding.message}${finding.fix === null ? '' : `; ${finding.fix.text}`}`);
  const more = violations.length > FINDINGS_TOLD ? [`and ${violations.length - FINDINGS_TOLD} more, see decision ${id}`] : [];
  return (violations.length === 0 ? ['a value that a policy needs is not known'] : [...lines, ...more]).join('\n');
}

/** Denials of this hour whose notice is written: these need not be looked for in the outbox, which knows them all. */
class ToldDenials {
  readonly #keys = new Set<string>();
  #hour = '';

  has(key: string, hour: string): boolean {
    return hour === this.#hour && this.#keys.has(key);
  }

  add(key: string, hour: string): void {
    if (hour !== this.#hour || this.#keys.size >= MOST_TOLD) this.#keys.clear();
    this.#hour = hour;
    this.#keys.add(key);
  }
}

const MOST_TOLD = 20_000;
/** Of each log, since each has an outbox of its own. */
const told = new WeakMap<object, ToldDenials>();

function toldBy(log: object): ToldDenials {
  const found = told.get(log) ?? new ToldDenials();
  told.set(log, found);
  return found;
}

/** To be called when the notice is written, or waits to be as surely as its decision does. */
export function noteTold(log: object, { evaluated_at: at }: WireDecision, { key }: DenialNotice): void {
  toldBy(log).add(key, at.slice(0, HOUR_OF_INSTANT));
}
