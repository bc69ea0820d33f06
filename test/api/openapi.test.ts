import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PERMISSIONS } from '../../src/api/permissions.js';
import { type Document, documentOf, operationsOf } from './document.js';
import { createWorld, type World } from './world.js';

let world: World;
let document: Document;
beforeAll(async () => {
  world = await createWorld({ worker: false });
  document = await documentOf(world);
});
afterAll(() => world.close());

describe('the OpenAPI document', () => {
  test('describes exactly the routes of the permission table', () => {
    const described = operationsOf(document).map(({ method, path }) => `${method} ${path}`);
    expect(described.sort()).toEqual(Object.keys(PERMISSIONS).sort());
  });

  test('is OpenAPI 3.1: every reference leads somewhere, every schema is a schema, operation ids are unique', () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name ?? '');
    expect(references.length).toBeGreaterThan(20);
    for (const name of references) expect(document.components.schemas, name).toHaveProperty([name]);
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'document', components: document.components });
    for (const name of Object.keys(document.components.schemas))
      expect(() => ajv.compile({ $ref: `document#/components/schemas/${name}` }), name).not.toThrow();
    const ids = operationsOf(document).map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('every operation says what it answers, whom it is for, and every parameter of its path', () => {
    for (const { path, operation } of operationsOf(document)) {
      expect(operation.summary).not.toBe('');
      expect(operation.tags).toHaveLength(1);
      expect(Object.keys(operation.responses).some((status) => status.startsWith('2'))).toBe(true);
      const inPath = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path').map(({ name }) => name);
      expect(inPath).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
      expect(operation.security).toBeDefined();
    }
  });

  test('nullable references stay references: a component is the same wherever it is used', () => {
    for (const [name, schema] of Object.entries(document.components.schemas)) expect(schema.type, name).not.toEqual(['object', 'null']);
  });
});

describe('the docs page', () => {
  test('loads everything from here, under a content security policy that allows no other scripts', async () => {
    const page = await world.ask('GET', '/docs', { token: null });
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    const loaded = [...String(page.body).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? '');
    // An icon of nothing: a browser asks for none.
    const [icon, ...files] = loaded;
    expect([icon, files.length]).toEqual(['data:,', 3]);
    expect(page.headers.get('content-security-policy')).toMatch(/img-src [^;]*data:/);
    for (const path of files) {
      expect(path).toMatch(/^\/docs\//);
      expect((await world.ask('GET', path, { token: null })).status).toBe(200);
    }
    // It is a megabyte, which is not fetched each time.
    const bundle = await world.ask('GET', '/docs/swagger-ui-bundle.js', { token: null });
    expect(bundle.headers.get('cache-control')).toBe('public, max-age=86400');
    expect(String(page.body)).not.toMatch(/<script>|onload=/);
  });
});
