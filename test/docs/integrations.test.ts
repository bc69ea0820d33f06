/** The files of `docs/integrations` are those that users copy: they parse, and what they call exists. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { houseCommands } from '../../src/cli/house.js';
import { FORMATS } from '../../src/cli/output/formats.js';
import { MARKER } from '../../src/cli/output/markdown.js';
import { collectReportFile } from '../../src/cli/output/report-option.js';
import { createProgram } from '../../src/cli/program.js';
import { packageRoot } from '../../src/package-root.js';
import { problemsOf } from '../cli/command-line.js';
import { silentContext } from '../cli/context.js';

const folder = join(packageRoot, 'docs/integrations');
const MINE = ['github-actions', 'gitlab-ci', 'atlantis'];
const files = MINE.flatMap((name) => readdirSync(join(folder, name)).map((file) => `${name}/${file}`));
const read = (file: string) => readFileSync(join(folder, file), 'utf8');
const yaml = (file: string) => load(read(file)) as Record<string, unknown>;
const blocks = (file: string, language: string) =>
  [...read(file).matchAll(new RegExp(`^ *\`\`\`${language}\\n([\\s\\S]*?)^ *\`\`\``, 'gm'))].map(([, text = '']) => text);

/** Every text of a document. */
function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

/** Commands of a shell text that call `tollgate`, continued lines joined. */
function callsOf(text: string): readonly string[] {
  return text
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('tollgate '));
}

const shells = files.flatMap((file): readonly (readonly [string, string])[] => {
  const texts = file.endsWith('.md')
    ? [...blocks(file, 'sh'), ...blocks(file, 'json').flatMap((text) => textsOf(JSON.parse(text)))]
    : textsOf(yaml(file));
  return texts.flatMap(callsOf).map((call) => [file, call] as const);
});
const program = createProgram(silentContext(), '0.0.0');
houseCommands(program, silentContext(), {});

describe('calls of the command line', () => {
  test.for(shells)('%s: %s', ([, call]) => {
    expect(problemsOf(program, call)).toEqual([]);
    for (const [, value = ''] of call.matchAll(/--report (\S+)/g)) expect(() => collectReportFile(value)).not.toThrow();
    for (const [, value] of call.matchAll(/--format (\S+)/g)) expect(FORMATS).toContain(value);
  });

  test('each integration has one', () => {
    for (const name of MINE) expect(shells.map(([file]) => dirname(file))).toContain(name);
  });

  test('a call of what does not exist is seen', () => {
    expect(problemsOf(program, 'tollgate evaluate plan.json --reports x')).toEqual(['unknown option --reports']);
    expect(() => collectReportFile('pdf=x')).toThrow('FORMAT=FILE');
    expect(() => collectReportFile('junit')).toThrow('FORMAT=FILE');
    expect(collectReportFile('sarif=a=b.sarif', [{ format: 'json', file: 'x' }])).toHaveLength(2);
  });
});

test('each link leads to a file', () => {
  for (const file of files.filter((name) => name.endsWith('.md'))) {
    for (const [, target = ''] of read(file).matchAll(/\]\(([^)#:]+)\)/g))
      expect(existsSync(join(folder, dirname(file), target)), target).toBe(true);
  }
});

interface Step {
  readonly id?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

describe('GitHub Actions', () => {
  const workflow = yaml('github-actions/tollgate.yml') as { on: object; permissions: object; jobs: { plan: { steps: readonly Step[] } } };
  const { steps } = workflow.jobs.plan;

  test('each step runs or uses something, of a given version', () => {
    for (const step of steps) {
      expect((step.uses === undefined) !== (step.run === undefined), JSON.stringify(step)).toBe(true);
      if (step.uses !== undefined) expect(step.uses).toMatch(/^[\w-]+\/[\w/-]+@v\d+$/);
    }
    expect(Object.keys(workflow.on)).toEqual(['pull_request']);
    expect(workflow.permissions).toEqual({ contents: 'read', 'pull-requests': 'write', 'security-events': 'write' });
  });

  test('no value of the pull request is pasted into a script, where it would be run', () => {
    for (const { run, with: given } of steps) expect(JSON.stringify([run, given?.['script']])).not.toContain('${{');
  });

  test('the comment is found again by its first line', async () => {
    const script = String(steps.find(({ uses }) => uses?.startsWith('actions/github-script'))?.with?.['script']);
    const calls: unknown[] = [];
    const comments = [
      { id: 1, body: `${MARKER} by a person`, user: { type: 'User' } },
      { id: 2, body: `${MARKER}\nolder`, user: { type: 'Bot' } },
    ];
    const run = async (present: readonly object[]) => {
      const issues = { listComments: 'list', updateComment: (it: object) => calls.push(it), createComment: (it: object) => calls.push(it) };
      const github = { paginate: async () => present, rest: { issues } };
      const context = { repo: { owner: 'o', repo: 'r' }, issue: { number: 7 } };
      const require = () => ({ readFileSync: () => `${MARKER}\nnew` });
      await runInNewContext(`(async () => {${script}})()`, { github, context, require });
    };
    await run(comments);
    await run([]);
    expect(calls).toEqual([
      { owner: 'o', repo: 'r', comment_id: 2, body: `${MARKER}\nnew` },
      { owner: 'o', repo: 'r', issue_number: 7, body: `${MARKER}\nnew` },
    ]);
  });
});

describe('GitLab CI', () => {
  interface Job {
    readonly stage: string;
    readonly extends: string;
    readonly needs?: readonly string[];
    readonly script: readonly string[];
    readonly artifacts: { readonly reports?: { readonly junit: string }; readonly when?: string; readonly paths: readonly string[] };
  }
  const { stages, plan, tollgate } = yaml('gitlab-ci/gitlab-ci.yml') as unknown as { stages: string[]; plan: Job; tollgate: Job };

  test('the gate reads what the plan leaves, and keeps its reports also when it denies', () => {
    expect(stages).toEqual([plan.stage, tollgate.stage]);
    expect(tollgate.needs).toEqual(['plan']);
    const call = tollgate.script.at(-1) ?? '';
    for (const path of plan.artifacts.paths) expect(call).toContain(path);
    expect(tollgate.artifacts).toMatchObject({ when: 'always', reports: { junit: 'tollgate.xml' } });
    expect(call).toContain('--report junit=tollgate.xml');
    for (const path of tollgate.artifacts.paths) expect(call).toContain(`=${path}`);
  });
});

describe('Atlantis', () => {
  test('the JSON on the page is the same configuration as the file', () => {
    const [json = ''] = blocks('atlantis/README.md', 'json');
    expect(JSON.parse(json)).toEqual(yaml('atlantis/repos.yaml'));
  });

  test('each step is one that Atlantis has', () => {
    const { workflows } = yaml('atlantis/repos.yaml') as { workflows: Record<string, Record<string, { steps: readonly unknown[] }>> };
    for (const step of Object.values(workflows['tollgate'] ?? {}).flatMap(({ steps }) => steps)) {
      if (typeof step === 'string') expect(['init', 'plan', 'apply']).toContain(step);
      else
        expect(step).toEqual({ run: { command: expect.any(String) as string, output: expect.stringMatching(/^(show|hide)$/) as string } });
    }
  });
});
