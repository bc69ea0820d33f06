import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as money from '../../src/policy/money.js';

const decimal = fc
  .tuple(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), fc.nat({ max: 8 }))
  .map(([units, places]) => money.divide(units.toString(), (10n ** BigInt(places)).toString(), places));

describe('money', () => {
  it.each([
    ['0.1', '0.2', '0.3'],
    ['99999999999999999999.99', '0.01', '100000000000000000000.00'],
    ['1', '-1.50', '-0.50'],
  ])('%s + %s = %s, exactly', (a, b, sum) => expect(money.add(a, b)).toBe(sum));

  it.each([
    ['0.125', '0.13'],
    ['0.124999', '0.12'],
    ['-0.125', '-0.13'],
    ['2', '2.00'],
    ['0.005', '0.01'],
    ['999.995', '1000.00'],
  ])('rounds %s half-up to %s', (value, rounded) => expect(money.roundMoney(value)).toBe(rounded));

  it.each([
    [50_000, '50000'],
    ['1234.50', '1234.50'],
    [' +007.5 ', '7.5'],
    [1e-7, '0.0000001'],
    [1e21, '1000000000000000000000'],
    ['.5', undefined],
    ['1,000', undefined],
    ['', undefined],
    ['NaN', undefined],
    [Number.POSITIVE_INFINITY, undefined],
    ['1e999', undefined],
  ])('reads %j as %j', (text, value) => expect(money.parseDecimal(text)).toBe(value));

  it('takes a month as 730 hours', () => {
    expect(money.monthlyFromHourly('0.096')).toBe('70.08');
    expect(money.monthlyFromHourly(money.hourlyFromMonthly('2803.21'))).toBe('2803.21');
  });

  it('compares by value, not by digits', () => {
    expect(money.compare('1.0', '1')).toBe(0);
    expect(money.compare('9', '10')).toBe(-1);
    expect(money.compare('-1', '-2')).toBe(1);
    expect(money.max('9', '10')).toBe('10');
    expect(money.min('9', '10')).toBe('9');
    expect(money.isNegative('-0.01')).toBe(true);
    expect(money.isNegative('-0')).toBe(false);
    expect(money.isZero('0.00')).toBe(true);
    expect(money.sum(['0.1', '0.2', '0.3'])).toBe('0.6');
    expect(money.sum([])).toBe('0');
  });

  it('divides half-up and refuses zero', () => {
    expect(money.divide('1', '3', 4)).toBe('0.3333');
    expect(money.divide('2', '3', 0)).toBe('1');
    expect(money.divide('-1', '2', 0)).toBe('-1');
    expect(() => money.divide('1', '0.00', 2)).toThrow('division by zero');
    expect(() => money.add('1', 'x')).toThrow('not a decimal number: `x`');
  });

  it('undoes what it adds, and multiplies over sums', () => {
    fc.assert(
      fc.property(decimal, decimal, decimal, (a, b, c) => {
        expect(money.compare(money.subtract(money.add(a, b), b), a)).toBe(0);
        const left = money.multiply(a, money.add(b, c));
        expect(money.compare(left, money.add(money.multiply(a, b), money.multiply(a, c)))).toBe(0);
        expect(money.parseDecimal(a)).toBe(a);
      }),
    );
  });

  it('sums many to the text that adding them one by one gives', () => {
    fc.assert(
      fc.property(fc.array(decimal), (values) => {
        expect(money.sum(values)).toBe(values.reduce((total, value) => money.add(total, value), '0'));
      }),
    );
  });
});
