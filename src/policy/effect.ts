/** What a finding, and an unknown, do at the gate: the one place that works it out (the table is in `docs/policy-reference.md`). */
import type { Enforcement, OnUnknown } from './model.js';
import type { Effect, UnknownEffect } from './verdict.js';

/** What a violation does where enforcement says `deny`: a rule that asks for approval never denies. */
export type Denial = 'deny' | 'needs_approval';

/** `warn` and `audit` are what they say. A type without a denial never touches a decision, whatever its rules say. */
export function effectOf(enforcement: Enforcement, denial: Denial | null): Effect {
  if (denial === null) return 'audit';
  return enforcement === 'deny' ? denial : enforcement;
}

/** `onUnknown`, never stricter than a violation of the same rule would be. */
export function unknownEffectOf(onUnknown: OnUnknown, effect: Effect): UnknownEffect {
  if (effect === 'audit' || onUnknown === 'ignore') return 'ignore';
  return onUnknown === 'warn' || effect === 'warn' ? 'warn' : effect;
}

/** The effect of what may be a violation and may not: a warning, unless the rule is only audited. */
export function possibleEffectOf(effect: Effect): Effect {
  return effect === 'audit' ? 'audit' : 'warn';
}
