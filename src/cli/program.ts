import type { Command } from 'commander';
import { BriefCommand, helpAt } from './brief-command.js';
import { approvalCommand } from './commands/approval.js';
import { auditCommand } from './commands/audit.js';
import { budgetCommand } from './commands/budget.js';
import { decisionCommand } from './commands/decision.js';
import { enforcementCommands } from './commands/enforcement.js';
import { evaluateCommand } from './commands/evaluate.js';
import { exceptionCommand } from './commands/exception.js';
import { holdCommand } from './commands/hold.js';
import { importCommand } from './commands/import.js';
import { policyCommand } from './commands/policy.js';
import { remediationCommand } from './commands/remediation.js';
import { reportCommand } from './commands/report.js';
import { scanCommand } from './commands/scan.js';
import { tokenCommand } from './commands/token.js';
import { violationsCommand } from './commands/violations.js';
import type { CliContext } from './context.js';

/** The whole command line but for what runs the house itself (`start`, `api`, `worker`, `migrate`, `doctor`), which `main.ts` adds. */
export function createProgram(context: CliContext, version: string): Command {
  const program = new BriefCommand('tollgate')
    .description('cost policy enforcement for cloud infrastructure')
    .version(version)
    .option('--json', 'print the answer as JSON')
    .option('--server <url>', 'the server to ask (TOLLGATE_URL)')
    .option('--token <token>', 'the bearer token to send (TOLLGATE_TOKEN)')
    .showHelpAfterError(helpAt('tollgate'))
    .configureOutput({ writeOut: context.out, writeErr: context.err })
    .exitOverride();
  policyCommand(program, context);
  evaluateCommand(program, context);
  decisionCommand(program, context);
  scanCommand(program, context);
  violationsCommand(program, context);
  remediationCommand(program, context);
  exceptionCommand(program, context);
  approvalCommand(program, context);
  budgetCommand(program, context);
  holdCommand(program, context);
  reportCommand(program, context);
  importCommand(program, context);
  enforcementCommands(program, context);
  tokenCommand(program, context);
  auditCommand(program, context);
  return program;
}
