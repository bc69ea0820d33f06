import { describe, expect, test } from 'vitest';
import { billedServiceOf, isOfService } from '../../src/policy/budget-service.js';
import { RESOURCE_TYPES } from '../../src/policy/specs.js';

const typesOf = (service: string, provider: string | null = null) =>
  RESOURCE_TYPES.filter((type) => isOfService(service, { type, provider }));

describe('at the gate a service is', () => {
  test.each([
    ['*', null, [...RESOURCE_TYPES]],
    ['compute/*', null, ['compute/instance']],
    ['storage/volume', null, ['storage/volume']],
    ['Compute', null, ['compute/instance']],
    ['databases', null, ['database/instance']],
    ['database', null, ['database/instance']],
    ['Amazon Elastic Compute Cloud', 'aws', ['compute/instance', 'storage/volume', 'storage/snapshot', 'network/nat-gateway']],
    ['Amazon Elastic Compute Cloud', 'azure', []],
    ['Amazon Elastic Compute Cloud', null, ['compute/instance', 'storage/volume', 'storage/snapshot', 'network/nat-gateway']],
    ['amazon relational*', null, ['database/instance']],
    ['Compute Engine', 'gcp', ['compute/instance', 'storage/volume', 'storage/snapshot']],
    ['Amazon SageMaker', null, []],
  ])('%s of %s for %j', (service, provider, types) => {
    expect(new Set(typesOf(service, provider))).toEqual(new Set(types));
  });
});

test.each([
  [undefined, null],
  ['*', null],
  ['database/*', { categories: ['Databases'], like: null }],
  ['*/*', { categories: ['Compute', 'Storage', 'Databases', 'Networking'], like: null }],
  ['aws/sagemaker-endpoint', { categories: [], like: null }],
  ['Amazon Elastic*', { categories: [], like: 'Amazon Elastic%' }],
  ['network', { categories: ['Networking'], like: 'network' }],
  ['100%_\\', { categories: [], like: '100\\%\\_\\\\' }],
])('in a bill the service %s is looked for so', (service, expected) => {
  expect(billedServiceOf(service)).toEqual(expected);
});
