import { Argument, type Command } from 'commander';
import type { JsonObject } from '../client.js';
import { type CliContext, invocationOf } from '../context.js';
import { withExamples } from '../list-options.js';
import { type Column, formatTable, printJson, printObject, textAt } from '../output.js';

const KINDS = ['compliance', 'executive', 'exceptions', 'savings'] as const;
type Kind = (typeof KINDS)[number];

interface ReportOptions {
  readonly period?: string;
  readonly team?: string;
  readonly account?: string;
  readonly policy?: string;
  readonly region?: string;
}

/** Lists inside a report and how they are printed; everything else is a `name  value` line. */
const TABLES: Readonly<Record<string, readonly Column[]>> = {
  by_policy: [
    ['POLICY', 'policy_name'],
    ['APPLICABLE', 'total_applicable'],
    ['COMPLIANT', 'compliant'],
    ['VIOLATING', 'non_compliant'],
    ['EXCEPTED', 'excepted'],
    ['RATE', 'compliance_rate'],
  ],
  by_team: [
    ['TEAM', 'team'],
    ['RESOURCES', 'total_resources'],
    ['VIOLATING', 'violations'],
    ['SCORE', 'compliance_score'],
  ],
  top_violators: [
    ['RESOURCE', 'resource_id'],
    ['NAME', 'resource_name'],
    ['VIOLATIONS', 'violation_count'],
    ['POLICIES', 'policies'],
    ['COST IMPACT', 'total_cost_impact'],
  ],
  top_issues: [
    ['POLICY', 'policy'],
    ['RATE', 'compliance_rate'],
    ['VIOLATING', 'non_compliant_count'],
  ],
  recommendations: [
    ['PRIORITY', 'priority'],
    ['RECOMMENDATION', 'title'],
    ['WHY', 'description'],
  ],
};

/** `tollgate report [KIND]`: what adds up, over 30 days unless `--period` says otherwise. */
export function reportCommand(program: Command, context: CliContext): void {
  const report = program
    .command('report')
    .addArgument(new Argument('[kind]', 'which report').choices(KINDS).default('compliance'))
    .description('compliance, executive, exceptions or savings report')
    .option('--period <length>', 'such as 30d')
    .option('--team <team>', 'of one team')
    .option('--account <id>', 'of one account')
    .option('--policy <name>', 'of one policy')
    .option('--region <region>', 'of one region')
    .action(async (kind: Kind, _options: unknown, command: Command) => {
      const { options, api } = invocationOf<ReportOptions>(context, command);
      const { period, team, account, policy, region } = options;
      const answer = await api.get(`v1/reports/${kind}`, { period, team, account, policy, region });
      if (options.json === true) printJson(context, answer);
      else printReport(context, answer);
    });
  withExamples(report, 'tollgate report', 'tollgate report executive --period 7d', 'tollgate report compliance --team CC-001234 --json');
}

function printReport(context: CliContext, report: JsonObject): void {
  for (const [section, value] of Object.entries(report)) {
    if (Array.isArray(value)) printSectionTable(context, section, value as readonly JsonObject[]);
    else if (typeof value === 'object' && value !== null) printSection(context, section, value as JsonObject);
    else context.out(`${section.replaceAll('_', ' ')}: ${textAt(report, section)}\n`);
  }
}

/** An object as `name  value` lines; a list inside it is a table of its own after them. */
function printSection(context: CliContext, section: string, object: JsonObject): void {
  context.out(`\n${titleOf(section)}\n`);
  const lists = Object.entries(object).filter(([, value]) => Array.isArray(value));
  const rest = Object.entries(object).filter(([, value]) => !Array.isArray(value));
  if (Object.keys(object).length === 0) context.out('  none\n');
  printObject(
    context,
    {},
    object,
    rest.map(([key]): Column => [`  ${key.replaceAll('_', ' ')}`, key]),
  );
  for (const [key, rows] of lists) printSectionTable(context, `${section}_${key}`, rows as readonly JsonObject[]);
}

function printSectionTable(context: CliContext, section: string, rows: readonly JsonObject[]): void {
  context.out(`\n${titleOf(section)}\n`);
  if (rows.length === 0) return context.out('  none\n');
  const columns = TABLES[section] ?? Object.keys(rows[0] ?? {}).map((key): Column => [key.replaceAll('_', ' ').toUpperCase(), key]);
  context.out(`${formatTable(columns, rows, context.width)}\n`);
}

function titleOf(section: string): string {
  return section.replaceAll('_', ' ').toUpperCase();
}
