import { readdirSync, readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { toWireResourceInput } from '../../src/api/contract/resource-input.js';
import { createCatalog } from '../../src/cloud/catalog/catalog.js';
import { TollgateError } from '../../src/errors.js';
import { decodeDocument, parseJsonDocument } from '../../src/intake/document.js';
import type { Intake } from '../../src/intake/intake.js';
import { type PlanOptions, readTerraformPlan } from '../../src/intake/terraform/plan.js';
import type { Resource } from '../../src/policy/model.js';

const { lookup } = createCatalog();

interface Change {
  readonly type: string;
  readonly name?: string;
  readonly actions?: readonly string[];
  readonly before?: unknown;
  readonly after?: unknown;
  readonly unknown?: unknown;
  readonly sensitive?: unknown;
  readonly mode?: string;
  readonly importing?: object;
  readonly [key: string]: unknown;
}

interface Case extends Change {
  readonly note: string;
  readonly provider?: object;
  readonly variables?: object;
  readonly expressions?: object;
  readonly options?: PlanOptions;
  readonly with?: readonly Change[];
  readonly want: readonly Readonly<Record<string, unknown>>[];
  readonly notices?: readonly string[];
}

const KEPT = ['deposed', 'previous_address', 'provider_name'];

function toChange({ type, name = 'it', mode = 'managed', actions = ['create'], before = null, ...rest }: Change): object {
  const kept = Object.fromEntries(KEPT.filter((key) => key in rest).map((key) => [key, rest[key]]));
  const { after = null, unknown = {}, sensitive = {}, importing } = rest;
  const change = { actions, before, after, after_unknown: unknown, after_sensitive: sensitive, importing };
  return { address: `${type}.${name}`, mode, type, name, ...kept, change };
}

function toPlan(given: Case): object {
  const { type, provider = { region: { constant_value: 'us-east-1' } }, expressions = {}, variables } = given;
  const key = type.split('_')[0] ?? '';
  return {
    format_version: '1.2',
    resource_changes: [given, ...(given.with ?? [])].map(toChange),
    variables,
    configuration: {
      provider_config: { [key]: { name: key, expressions: provider } },
      root_module: { resources: [{ address: `${type}.it`, provider_config_key: key, expressions }] },
    },
  };
}

/** As the table words it. */
function shown(resource: Resource): Record<string, unknown> {
  const wire = toWireResourceInput(resource);
  const { id, type, name, address, provider, account, region, namespace, tags, cost } = resource;
  const { range } = cost;
  return {
    id,
    type,
    name,
    address,
    provider,
    account,
    region,
    namespace,
    tags,
    specs: wire['specs'],
    monthly: cost.monthly,
    low: range === undefined ? cost.monthly : range.low,
    high: range === undefined ? cost.monthly : range.high,
    unknown: resource.unknownPaths ?? [],
    why: resource.unknownReason ?? 'known after apply',
    taggable: resource.taggable ?? true,
    quantity: resource.quantity ?? null,
    previous: resource.previousMonthly,
    isNew: !('previousMonthly' in resource),
    tool: resource.managedBy?.tool,
  };
}

const cases = load(readFileSync('test/cases/terraform.yaml', 'utf8')) as readonly Case[];

describe('what a planned resource stands for', () => {
  test.each(cases)('$note', (given) => {
    const { resources, notices } = readTerraformPlan(toPlan(given), lookup, given.options);
    const own = resources.filter(({ address }) => address?.startsWith(`${given.type}.it`));
    const seen = own.map((resource, index) => {
      const all = shown(resource);
      return Object.fromEntries(Object.keys(given.want[index] ?? all).map((key) => [key, all[key]]));
    });
    expect(seen).toEqual(given.want);
    if (given.notices !== undefined) expect(notices).toEqual(given.notices);
    expect(JSON.stringify({ resources, notices })).not.toMatch(/SECRET|4711/);
  });
});

describe('published plans', () => {
  const folder = 'test/fixtures/terraform-plans';
  const read = (file: string): Intake =>
    readTerraformPlan(parseJsonDocument(decodeDocument(readFileSync(`${folder}/${file}`), file), file), lookup);
  const line = (resource: Resource) => {
    const { address, type, region, account, specs, monthly, low, high, unknown, quantity, previous, tags } = shown(resource);
    return {
      address,
      type,
      region,
      account,
      tags,
      specs,
      monthly,
      low,
      high,
      unknown,
      quantity,
      ...(previous === undefined ? {} : { previous }),
    };
  };

  test.each(readdirSync(folder).filter((file) => file.endsWith('.json')))('%s', async (file) => {
    const { resources, notices } = read(file);
    const text = JSON.stringify({ notices, resources: resources.map(line) }, null, 1);
    await expect(text).toMatchFileSnapshot(`./golden/${file.replace(/\.json$/, '.golden')}`);
  });
});

describe('a plan that says less than it should', () => {
  const plan = { format_version: '1.2', resource_changes: [] };
  const notices = (more: object) => readTerraformPlan({ ...plan, ...more }, lookup).notices;

  test.each([
    ['errored', { errored: true, applyable: false, complete: false }, [/errored/, /not complete/]],
    ['incomplete', { complete: false }, [/not complete/]],
    ['not applyable', { applyable: false, complete: true }, [/cannot be applied/]],
    ['deferred', { deferred_changes: [{}, {}] }, [/2 deferred changes are not judged/]],
    ['whole', { applyable: true, complete: true, errored: false }, []],
  ])('%s', (_, more, want) => {
    const said = notices(more);
    expect(said).toHaveLength(want.length);
    for (const [index, pattern] of want.entries()) expect(said[index]).toMatch(pattern);
  });
});

describe('what is no plan is refused', () => {
  const refusal = (document: unknown): TollgateError => {
    try {
      readTerraformPlan(document, lookup);
    } catch (error) {
      if (error instanceof TollgateError) return error;
      throw error;
    }
    throw new Error('it was read');
  };
  const plan = (version: unknown, changes: unknown = []) => ({ format_version: version, resource_changes: changes });

  test.each(['0.1', '0.2', '1.0', '1.2', '1.99'])('format %s is read', (version) => {
    expect(readTerraformPlan(plan(version), lookup).resources).toEqual([]);
  });
  test.each(['0.0', '2.0', '10.0', '1', 'x', ''])('format `%s` is refused', (version) => {
    expect(refusal(plan(version)).message).toMatch(/expected a plan of format 0.1 to 1.x/);
  });
  test('a state is called a state', () => {
    expect(refusal({ version: 4, serial: 1, lineage: 'x', resources: [] }).message).toMatch(/got a Terraform or OpenTofu state/);
  });
  test.each([[null], [[]], ['text'], [{}]])('%j is described', (document) => {
    expect(refusal(document).message).toMatch(
      /^expected a Terraform or OpenTofu plan .*, got (null|a list of 0|a string|an empty object)$/,
    );
  });
  test('entries are named by their place and not shown', () => {
    const change = { address: 'a.b', type: 'aws_eip', change: { actions: ['create'], after: { x: 'SECRET' } } };
    const changes = [
      change,
      { ...change, change: { actions: ['explode'] } },
      { ...change, type: 7 },
      'SECRET',
      { ...change, address: undefined },
    ];
    const { problems } = refusal(plan('1.0', changes));
    expect(problems.map(({ path }) => path)).toEqual([
      'resource_changes[1].change.actions',
      'resource_changes[2].type',
      'resource_changes[3]',
      'resource_changes[4].address',
    ]);
    expect(JSON.stringify(problems)).not.toContain('SECRET');
  });
  test('more resources than one answer can hold', () => {
    const change = { address: 'aws_eip.a', type: 'aws_eip', name: 'a', change: { actions: ['create'], after: {} } };
    expect(refusal(plan('1.0', Array<object>(10_001).fill(change))).message).toMatch(/at most 10000 resources/);
  });
});

describe('modules', () => {
  const template = (module: string, index: number | null) => ({
    address: `${module}aws_launch_template.web${index === null ? '' : `[${index}]`}`,
    module_address: module.replace(/\.$/, ''),
    mode: 'managed',
    type: 'aws_launch_template',
    name: 'web',
    ...(index === null ? {} : { index }),
    change: { actions: ['create'], after: { instance_type: index === 1 ? 'm5.xlarge' : 'm5.large' }, after_unknown: { id: true } },
  });
  const group = (module: string, index: number | null) => ({
    address: `${module}aws_autoscaling_group.web${index === null ? '' : `[${index}]`}`,
    module_address: module.replace(/\.$/, ''),
    mode: 'managed',
    type: 'aws_autoscaling_group',
    name: 'web',
    ...(index === null ? {} : { index }),
    change: { actions: ['create'], after: { min_size: 1, max_size: 1 }, after_unknown: { launch_template: [{ id: true }] } },
  });
  const resources = (references: readonly string[]) => [
    { address: 'aws_launch_template.web', provider_config_key: 'aws.west' },
    { address: 'aws_autoscaling_group.web', provider_config_key: 'aws.west', expressions: { launch_template: [{ id: { references } }] } },
  ];
  const providers = { 'aws.west': { name: 'aws', alias: 'west', expressions: { region: { constant_value: 'us-west-2' } } } };
  const typesOf = (document: object) =>
    readTerraformPlan(document, lookup)
      .resources.filter(({ type }) => type === 'compute/instance')
      .map(({ address, region, specs }) => [address, region, specs.instanceType]);

  test('each instance of a module has its own template, by index where it has several', () => {
    const document = {
      format_version: '1.0',
      resource_changes: ['module.a["x.y"].', 'module.a["z]"].'].flatMap((module) =>
        [0, 1].flatMap((at) => [template(module, at), group(module, at)]),
      ),
      configuration: {
        provider_config: providers,
        root_module: { module_calls: { a: { module: { resources: resources(['aws_launch_template.web', 'count.index']) } } } },
      },
    };
    expect(typesOf(document)).toEqual([
      ['module.a["x.y"].aws_autoscaling_group.web[0]', 'us-west-2', 'm5.large'],
      ['module.a["x.y"].aws_autoscaling_group.web[1]', 'us-west-2', 'm5.xlarge'],
      ['module.a["z]"].aws_autoscaling_group.web[0]', 'us-west-2', 'm5.large'],
      ['module.a["z]"].aws_autoscaling_group.web[1]', 'us-west-2', 'm5.xlarge'],
    ]);
  });

  test('a reference is followed through variables and outputs', () => {
    const document = {
      format_version: '1.0',
      resource_changes: [template('module.t.', null), group('module.g.module.inner.', null)],
      configuration: {
        provider_config: { 'module.t:aws.west': { name: 'aws' }, ...providers },
        root_module: {
          module_calls: {
            t: { module: { resources: resources([]), outputs: { id: { expression: { references: ['aws_launch_template.web.id'] } } } } },
            g: {
              expressions: { template: { references: ['module.t.id', 'module.t'] } },
              module: {
                module_calls: {
                  inner: {
                    expressions: { template_id: { references: ['var.template'] } },
                    module: { resources: resources(['var.template_id']) },
                  },
                },
              },
            },
          },
        },
      },
    };
    expect(typesOf(document)).toEqual([['module.g.module.inner.aws_autoscaling_group.web', 'us-west-2', 'm5.large']]);
  });

  test('a configuration that refers to itself ends', () => {
    const document = {
      format_version: '1.0',
      resource_changes: [group('module.a.', null)],
      configuration: {
        root_module: {
          module_calls: {
            a: {
              expressions: { x: { references: ['module.a.y'] } },
              module: { outputs: { y: { expression: { references: ['var.x', 'var.x'] } } }, resources: resources(['var.x']) },
            },
          },
        },
      },
    };
    expect(typesOf(document)).toEqual([['module.a.aws_autoscaling_group.web', null, undefined]]);
  });
});
