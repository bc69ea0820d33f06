import { describe, expect, test } from 'vitest';
import { createCatalog } from '../../src/cloud/catalog/catalog.js';
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

  test('a NAT gateway is priced by the hour, a snapshot by its size', () => {
    expect(price('network/nat-gateway', {})).toEqual({ hourly: '0.045', monthly: '32.85', source: 'price-list' });
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
    expect(() => parseCsv('a,b\n1,"open\n2,3\n')).toThrow('not CSV after 6 characters');
  });
});
