import { TollgateError } from '../errors.js';
import { appendAudit } from './audit.js';
import type { Db } from './db.js';

/** What all processes of an installation agree on. */
export interface Installation {
  /** ISO 4217; every amount of the installation is in it. */
  readonly currency: string;
  /** N of the demonstration clock: waiting lengths are divided by it; 1 is real time. */
  readonly acceleration: number;
}

export interface ChangedBy {
  readonly principal: string;
  readonly at: number;
}

export async function getInstallation(db: Db): Promise<Installation> {
  const { rows } = await db.query<{ currency: string; acceleration: number }>('select currency, acceleration from installation');
  const row = rows[0];
  if (row === undefined) throw new TollgateError('internal', 'the database has no installation row');
  return row;
}

/**
 * Sets N for all processes; they see it within a second. Times that are already set stay. In a transaction; nothing is written when
 * it is so already. The caller refuses N > 1 where a provider other than the simulated one is configured.
 * @throws invalid-input unless it is a whole number from 1 to 1,000,000
 */
export async function setAcceleration(db: Db, acceleration: number, by: ChangedBy): Promise<void> {
  if (!Number.isInteger(acceleration) || acceleration < 1 || acceleration > 1_000_000) {
    throw new TollgateError('invalid-input', `acceleration is a whole number from 1 to 1,000,000, got \`${acceleration}\``);
  }
  const before = await getInstallation(db);
  if (before.acceleration === acceleration) return;
  await db.query('update installation set acceleration = $1', [acceleration]);
  await appendAudit(db, { ...by, action: 'installation.accelerate', subject: 'installation', before, after: { ...before, acceleration } });
}

/**
 * Sets the currency, which is possible as long as no resource is known: amounts are never converted. In a transaction.
 * @throws conflict when the inventory holds resources in another currency
 */
export async function setCurrency(db: Db, currency: string, by: ChangedBy): Promise<void> {
  const before = await getInstallation(db);
  if (before.currency === currency) return;
  const { rows } = await db.query<{ known: boolean }>('select exists (select from resources) as known');
  if (rows[0]?.known === true) {
    throw new TollgateError('conflict', `this installation counts in \`${before.currency}\`, its amounts cannot become \`${currency}\``);
  }
  await db.query('update installation set currency = $1', [currency]);
  await appendAudit(db, { ...by, action: 'installation.set-currency', subject: 'installation', before, after: { ...before, currency } });
}
