import type { Report } from './findings.js';
import { renderGithub } from './github.js';
import { renderJunit } from './junit.js';
import { renderMarkdown } from './markdown.js';
import { renderSarif } from './sarif.js';
import { plain, renderText } from './text.js';

export const FORMATS = ['table', 'json', 'junit', 'sarif', 'github', 'markdown'] as const;
export type Format = (typeof FORMATS)[number];

/** Decisions as a document, in the order of the files, with its final line break. */
export function renderReports(format: Format, reports: readonly Report[], version: string): string {
  switch (format) {
    case 'table':
      return reports.map((report) => `${reports.length > 1 ? `${plain(report.file)}: ` : ''}${renderText(report)}`).join('');
    case 'json':
      return renderJson(reports);
    case 'junit':
      return renderJunit(reports);
    case 'sarif':
      return renderSarif(reports, version);
    case 'github':
      return renderGithub(reports);
    case 'markdown':
      return renderMarkdown(reports);
    default:
      return format satisfies never;
  }
}

/** The decision itself for one file, a list for several. */
function renderJson(reports: readonly Report[]): string {
  const decisions = reports.map(({ decision }) => decision);
  return `${JSON.stringify(decisions.length === 1 ? decisions[0] : decisions, null, 2)}\n`;
}
