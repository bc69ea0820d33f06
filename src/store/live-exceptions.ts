import type { ExceptionRecord } from '../policy/records.js';
import type { Db } from './db.js';
import { EXCEPTION_COLUMNS, type ExceptionRow, toExceptionRecord } from './exception-row.js';

/** Pending and approved exceptions to one rule, as stored: the gate of one remediation reads no others. */
export async function listLiveExceptionsTo(db: Db, policyName: string, ruleName: string): Promise<readonly ExceptionRecord[]> {
  const { rows } = await db.query<ExceptionRow>(
    `select ${EXCEPTION_COLUMNS} from exceptions e where e.policy_name = $1 and e.rule_name = $2 and e.status in ('pending', 'approved')`,
    [policyName, ruleName],
  );
  return rows.map(toExceptionRecord);
}
