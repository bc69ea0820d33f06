import { describe, expect, test } from 'vitest';
import { createCatalog, priceOfRequest } from '../../src/cloud/catalog/catalog.js';
import { parseCsv } from '../../src/cloud/catalog/csv.js';
import type { Specs } from '../../src/policy/model.js';

const catalog = createCatalog();
const price = (type: string, specs: Specs, region = 'us-east-1') => catalog.price({ type, region, specs });
const UNKNOWN = { hourly: null, monthly: null, source: 'none' };

describe('the catalog', () => {
  test('has the specs of an instance type and of a database class', () => {
    expect(catalog.findInstanceType('m5.xlarge')).toEqual({
      name: 'm5.xlarge',
      vcpus: 4,
      memoryGb: 16,
      family: 'general-purpose',
      arch: 'x86_64',
      hourly: '0.192',
    });
    expect(catalog.findInstanceType('db.m5.large')).toMatchObject({ vcpus: 2, memoryGb: 8, hourly: '0.171' });
  });

  test('knows no size of a database class without specs, and of no name', () => {
    expect(catalog.findInstanceType('db.serverless')).toBeUndefined();
    expect(catalog.findInstanceType('')).toBeUndefined();
  });

  test('an instance costs its hour, and 730 of them a month', () => {
    expect(price('compute/instance', { instanceType: 'm5.large' })).toEqual({ hourly: '0.096', monthly: '70.08', source: 'price-list' });
  });

  test('what has no price in the source, or another region, is unknown and not free', () => {
    expect(catalog.findInstanceType('mac2.metal')?.hourly).toBeNull();
    expect(price('compute/instance', { instanceType: 'mac2.metal' })).toEqual(UNKNOWN);
    expect(price('compute/instance', {})).toEqual(UNKNOWN);
    expect(price('compute/instance', { instanceType: 'm5.large' }, 'eu-west-1')).toEqual(UNKNOWN);
    expect(price('aws/sqs-queue', {})).toEqual(UNKNOWN);
  });

  describe('a volume', () => {
    const volume = (instanceType: string, more: Specs) => price('storage/volume', { instanceType, ...more }).monthly;

    test('costs its size by its type, and of a class only by the usual type of that class', () => {
      expect(volume('gp2', { sizeGb: 100 })).toBe('10.00');
      expect(price('storage/volume', { volumeType: 'ssd', sizeGb: 100 })).toEqual({
        hourly: '0.010959',
        monthly: '8.00',
        source: 'price-list',
      });
      expect(price('storage/volume', { volumeType: 'ssd' })).toEqual(UNKNOWN);
      expect(price('storage/volume', { sizeGb: 100 })).toEqual(UNKNOWN);
    });

    test('of gp3 has 3,000 IOPS and 125 MB/s included; the next one is charged', () => {
      expect(volume('gp3', { sizeGb: 100, iops: 3_000, bandwidthMbps: 125 })).toBe('8.00');
      expect(volume('gp3', { sizeGb: 100, iops: 4_000, bandwidthMbps: 125 })).toBe('13.00');
      expect(volume('gp3', { sizeGb: 100, iops: 3_000, bandwidthMbps: 130 })).toBe('8.20');
    });

    test('of io1 has none included, and gp2 does not charge for them', () => {
      expect(volume('io1', { sizeGb: 100, iops: 100 })).toBe('19.00');
      expect(volume('gp2', { sizeGb: 100, iops: 3_000 })).toBe('10.00');
    });
  });

  test('a snapshot is priced by its size, an address by the hour', () => {
    expect(price('network/address', {})).toEqual({ hourly: '0.005', monthly: '3.65', source: 'price-list' });
    expect(price('storage/snapshot', { sizeGb: 10 }).monthly).toBe('0.50');
    expect(price('storage/snapshot', {})).toEqual(UNKNOWN);
  });

  test('offers every instance type and no database class, the same list each time, priced in one region', () => {
    const offers = catalog.offers('us-east-1');
    expect(offers).toHaveLength(1_404);
    expect(offers.filter(({ hourly }) => hourly !== null)).toHaveLength(1_370);
    expect(catalog.offers('us-east-1')).toBe(offers);
    expect(catalog.offers('eu-west-1')).toHaveLength(1_404);
    expect(catalog.offers('eu-west-1').some(({ hourly }) => hourly !== null)).toBe(false);
  });
});

describe('what has no price is named and leaves the upper end open', () => {
  const open = (low: string, ...unpriced: string[]) => ({ range: { low, high: null }, unpriced });

  test('data of a NAT gateway, capacity of a load balancer, storage of a database', () => {
    expect(price('network/nat-gateway', {})).toEqual({
      hourly: '0.045',
      monthly: '32.85',
      source: 'price-list',
      ...open('32.85', 'data processed'),
    });
    expect(price('network/load-balancer', {})).toMatchObject({ monthly: '16.425', ...open('16.425', 'capacity units') });
    expect(price('database/instance', { instanceType: 'db.m5.large' })).toMatchObject({ monthly: '124.83', ...open('124.83', 'storage') });
  });

  test('a database class without a price stays unknown', () => {
    expect(price('database/instance', { instanceType: 'db.r5.large' })).toEqual(UNKNOWN);
  });

  test('provisioned IOPS that are not given, requests of magnetic volumes', () => {
    const volume = (instanceType: string, more: Specs = {}) => price('storage/volume', { instanceType, sizeGb: 100, ...more });
    expect(volume('io1')).toMatchObject({ monthly: '12.50', ...open('12.50', 'provisioned IOPS') });
    expect(volume('io1', { iops: 100 }).unpriced).toBeUndefined();
    expect(volume('gp3').unpriced).toBeUndefined();
    expect(volume('standard')).toMatchObject({ monthly: '5.00', ...open('5.00', 'I/O requests') });
  });

  test('all of a bucket: its cost is its use', () => {
    expect(price('storage/bucket', {})).toEqual({ ...UNKNOWN, unpriced: ['storage', 'requests'] });
  });
});

describe('a price that is known within bounds', () => {
  test('io2 above its first tier costs less than the list says', () => {
    const cost = price('storage/volume', { instanceType: 'io2', sizeGb: 100, iops: 40_000 });
    expect(cost).toMatchObject({ monthly: '2612.50', range: { low: '2092.50', high: '2612.50' } });
    expect(price('storage/volume', { instanceType: 'io2', sizeGb: 100, iops: 32_000 }).range).toBeUndefined();
  });

  test.each(['spot', 'reserved'])('%s capacity costs no more than on demand', (purchaseOption) => {
    const cost = price('compute/instance', { instanceType: 'm5.large', purchaseOption });
    expect(cost).toMatchObject({ monthly: '70.08', range: { low: '0.00', high: '70.08' } });
    expect(cost.unpriced).toBeUndefined();
  });
});

describe('a quantity', () => {
  const many = (quantity: number, type = 'compute/instance', specs: Specs = { instanceType: 't3.micro' }) =>
    catalog.price({ type, region: 'us-east-1', specs, quantity });

  test('multiplies the exact price, and rounds nothing', () => {
    expect(many(1)).toEqual({ hourly: '0.0104', monthly: '7.592', source: 'price-list' });
    expect(many(1_000)).toEqual({ hourly: '10.4000', monthly: '7592.00', source: 'price-list' });
    expect(many(3, 'network/nat-gateway', {})).toMatchObject({ monthly: '98.55', range: { low: '98.55', high: null } });
  });

  test('of none costs nothing, whatever one would', () => {
    const nothing = { hourly: '0', monthly: '0.00', source: 'price-list' };
    expect(many(0)).toEqual(nothing);
    expect(many(0, 'compute/instance', { instanceType: 'mac2.metal' })).toEqual(nothing);
  });
});

describe('look-ups', () => {
  const { lookup } = catalog;
  const monthly = (provider: string | null, region: string | null, instanceType: string, type = 'compute/instance') =>
    lookup.price({ provider, region, type, specs: { instanceType } }).monthly;

  test.each([
    ['aws', 'm5.large', { vcpus: 2, memoryGb: 8, instanceFamily: 'general-purpose' }],
    ['aws', 'db.t3.micro', { vcpus: 2, memoryGb: 1, instanceFamily: 'burstable' }],
    ['gcp', 'a2-highgpu-1g', { vcpus: 12, memoryGb: 85, instanceFamily: 'gpu' }],
    ['gcp', 'e2-micro', { vcpus: 2, memoryGb: 1, instanceFamily: 'burstable' }],
    ['gcp', 'n2-custom-8-16384', { vcpus: 8, memoryGb: 16, instanceFamily: 'general-purpose' }],
    ['gcp', 'db-custom-2-7680', { vcpus: 2, memoryGb: 7.5, instanceFamily: 'general-purpose' }],
    ['gcp', 'db-n1-standard-4', { vcpus: 4, memoryGb: 15, instanceFamily: 'general-purpose' }],
    ['azure', 'Standard_A2_v2', { vcpus: 2, memoryGb: 4, instanceFamily: 'general-purpose' }],
    ['azure', 'standard_a2_V2', { vcpus: 2, memoryGb: 4, instanceFamily: 'general-purpose' }],
    ['azure', 'GP_Standard_D4s_v3', { vcpus: 4, memoryGb: 16, instanceFamily: 'general-purpose' }],
  ] as const)('%s %s has its size by its own name', (provider, type, facts) => {
    expect(lookup.instance(provider, type)).toEqual(facts);
  });

  test('a name of another cloud, or of none, is not known', () => {
    expect(lookup.instance('gcp', 'm5.large')).toBeUndefined();
    expect(lookup.instance('aws', 'n2-custom-8-16384')).toBeUndefined();
    expect(lookup.instance('azure', '')).toBeUndefined();
    expect(lookup.instance('aws', '__proto__')).toBeUndefined();
  });

  test.each([
    ['aws', 'gp3', 'ssd'],
    ['aws', 'io2', 'provisioned-iops'],
    ['aws', 'sc1', 'archive'],
    ['gcp', 'pd-standard', 'standard'],
    ['gcp', 'pd-balanced', 'ssd'],
    ['gcp', 'hyperdisk-extreme', 'provisioned-iops'],
    ['azure', 'Standard_LRS', 'standard'],
    ['azure', 'Premium_LRS', 'ssd'],
    ['azure', 'UltraSSD_LRS', 'provisioned-iops'],
    ['azure', 'constructor', undefined],
    ['gcp', 'gp3', undefined],
  ] as const)('%s volume %s is %s', (provider, type, word) => {
    expect(lookup.volumeType(provider, type)).toBe(word);
  });

  test('each cloud has prices in one region, and in its zones; elsewhere a price is unknown', () => {
    expect(monthly('aws', 'us-east-1a', 'm5.large')).toBe('70.08');
    expect(monthly('gcp', 'us-central1', 'a2-highgpu-1g')).toBe('2681.57105');
    expect(monthly('gcp', 'us-central1-f', 'a2-highgpu-1g')).toBe('2681.57105');
    expect(monthly('azure', 'East US', 'Standard_A1_v2')).toBe('31.39');
    expect(monthly('azure', 'eastus2', 'Standard_A1_v2')).toBeNull();
    expect(monthly('gcp', 'europe-west1', 'a2-highgpu-1g')).toBeNull();
    expect(monthly('aws', 'us-west-2', 'm5.large')).toBeNull();
    expect(monthly('aws', null, 'm5.large')).toBeNull();
  });

  test('a size without a price, a database of another cloud and another cloud are unknown', () => {
    expect(monthly('gcp', 'us-central1', 'e2-micro')).toBeNull();
    expect(monthly('gcp', 'us-central1', 'n1-standard-4', 'database/instance')).toBeNull();
    expect(monthly('oracle', 'us-east-1', 'm5.large')).toBeNull();
  });
});

describe('a request', () => {
  const monthly = (provider: string | null, region: string | null) =>
    priceOfRequest(catalog)({ provider, region, type: 'compute/instance', specs: { instanceType: 'm5.large' }, quantity: 2 }).monthly;

  test('that names a cloud has that cloud’s prices, where its list has them', () => {
    expect(monthly('aws', 'us-east-1')).toBe('140.16');
    expect(monthly('aws', 'eu-west-1')).toBeNull();
    expect(monthly('azure', 'eastus')).toBeNull();
  });

  test('that names none, or the simulated cloud, has those of the simulated cloud, in all its regions', () => {
    expect(monthly(null, 'us-east-1')).toBe('140.16');
    expect(monthly('simulated', 'eu-west-1')).toBe('140.16');
  });

  test('that names no region has no price, whatever cloud it names', () => {
    for (const provider of [null, 'simulated', 'aws', 'gcp', 'azure']) expect(monthly(provider, null)).toBeNull();
  });
});

describe('CSV', () => {
  test('quotes hold commas, line breaks and doubled quotes; both line ends are read', () => {
    expect(parseCsv('a,b\r\n"1,2","say ""hi""\nthere"\r\n3,\n')).toEqual([
      { a: '1,2', b: 'say "hi"\nthere' },
      { a: '3', b: '' },
    ]);
  });

  test('blank lines and a missing last line end change nothing; short rows have empty fields', () => {
    expect(parseCsv('a,b\n\n1,2\n\n3')).toEqual([
      { a: '1', b: '2' },
      { a: '3', b: '' },
    ]);
    expect(parseCsv('')).toEqual([]);
  });

  test('what is no CSV is refused, never cut short', () => {
    expect(() => parseCsv('a,b\n1,"open\n2,3\n')).toThrow('not CSV at line 2: a quote is left open');
  });
});
