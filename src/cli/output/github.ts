/** Workflow commands of GitHub Actions: each becomes an annotation of the run. */
import { approvalLines, type Finding, findingsOf, formatCost, type Level, type Report } from './findings.js';
import { plain } from './text.js';

const COMMANDS: { readonly [L in Level]: string } = { error: 'error', warning: 'warning', note: 'notice' };

/** GitHub shows ten annotations of each kind for a step: the decision comes first, then what stops it. */
export function renderGithub(reports: readonly Report[]): string {
  return reports.map(renderOne).join('');
}

function renderOne(report: Report): string {
  const { file, decision } = report;
  const findings = findingsOf(report);
  const stopping = findings.filter(({ level }) => level === 'error').length;
  const summary = [`${decision.message}`, ...(stopping === 0 ? [] : [`findings that stop it: ${stopping}`]), formatCost(decision)].join(
    '; ',
  );
  return [
    command(decision.allowed ? 'notice' : 'error', { file, title: 'tollgate' }, summary),
    ...findings.map(annotation),
    ...approvalLines(decision).map((line) => command('notice', { file, title: 'tollgate: approval' }, plain(line))),
    ...decision.errors.map((error) => command('warning', { file, title: `tollgate: ${error.policy_name}` }, error.message)),
    ...decision.notices.map((notice) => command('notice', { file, title: 'tollgate' }, notice)),
  ].join('');
}

function annotation({ file, level, resource, policy, rule, message, fix }: Finding): string {
  const text = `${plain(`${resource}: ${message}`)}${fix === null ? '' : `\nfix: ${plain(fix)}`}`;
  return command(COMMANDS[level], { file, title: `tollgate: ${policy}/${rule}` }, text);
}

function command(name: string, properties: Readonly<Record<'file' | 'title', string>>, message: string): string {
  const { file, title } = properties;
  // a request on standard input has no file to show it at
  const given = file === '-' ? { title } : { file, title };
  const written = Object.entries(given).map(([key, value]) => `${key}=${escapeProperty(plain(value))}`);
  return `::${name} ${written.join(',')}::${escapeData(message)}\n`;
}

/** `%` first: the other escapes contain one. */
export function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

export function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
