/** Exact decimal arithmetic on text, by `bigint`. No binary float ever holds money. */
import { HOURS_PER_MONTH } from './durations.js';
import type { Decimal } from './model.js';

interface Scaled {
  readonly units: bigint;
  /** Digits after the point: the value is `units / 10^places`. */
  readonly places: number;
}

const DECIMAL = /^([+-]?)(\d{1,40})(?:\.(\d{1,40}))?(?:[eE]([+-]?\d{1,3}))?$/;
const MAX_EXPONENT = 40;

function scale(units: bigint, by: number): bigint {
  return by === 0 ? units : units * 10n ** BigInt(by);
}

function read(text: string): Scaled | undefined {
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', exponentText = '0'] = match;
  const exponent = Number(exponentText);
  if (Math.abs(exponent) > MAX_EXPONENT) return undefined;
  const magnitude = BigInt(whole + fraction);
  const units = sign === '-' ? -magnitude : magnitude;
  const places = fraction.length - exponent;
  return places < 0 ? { units: scale(units, -places), places: 0 } : { units, places };
}

function scaled(value: Decimal): Scaled {
  const result = read(value);
  if (result === undefined) throw new RangeError(`not a decimal number: \`${value}\``);
  return result;
}

function write({ units, places }: Scaled): Decimal {
  const digits = (units < 0n ? -units : units).toString().padStart(places + 1, '0');
  const sign = units < 0n ? '-' : '';
  return places === 0 ? sign + digits : `${sign}${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/** Both numbers over the same power of ten. */
function align(a: Decimal, b: Decimal): readonly [bigint, bigint, number] {
  const left = scaled(a);
  const right = scaled(b);
  const places = Math.max(left.places, right.places);
  return [scale(left.units, places - left.places), scale(right.units, places - right.places), places];
}

/** Divides, halves away from zero. */
function divideRounded(dividend: bigint, divisor: bigint): bigint {
  const negative = dividend < 0n !== divisor < 0n;
  const top = dividend < 0n ? -dividend : dividend;
  const bottom = divisor < 0n ? -divisor : divisor;
  const quotient = (2n * top + bottom) / (2n * bottom);
  return negative ? -quotient : quotient;
}

/** The number as plain digits (`1e3` becomes `1000`; trailing zeros stay), or undefined for what is no finite decimal number. */
export function parseDecimal(value: string | number): Decimal | undefined {
  const result = read(String(value).trim());
  return result === undefined ? undefined : write(result);
}

export function add(a: Decimal, b: Decimal): Decimal {
  const [left, right, places] = align(a, b);
  return write({ units: left + right, places });
}

export function subtract(a: Decimal, b: Decimal): Decimal {
  const [left, right, places] = align(a, b);
  return write({ units: left - right, places });
}

export function multiply(a: Decimal, b: Decimal): Decimal {
  const left = scaled(a);
  const right = scaled(b);
  return write({ units: left.units * right.units, places: left.places + right.places });
}

/** `a / b` to `places` digits, half-up. @throws RangeError when `b` is zero. */
export function divide(a: Decimal, b: Decimal, places: number): Decimal {
  const [left, right] = align(a, b);
  if (right === 0n) throw new RangeError('division by zero');
  return write({ units: divideRounded(scale(left, places), right), places });
}

/** A sum of many amounts, zero at first. What `add` would give one by one, without writing and reading each step as text. */
export class Total {
  #units = 0n;
  #places = 0;

  add(value: Decimal): void {
    const { units, places } = scaled(value);
    if (places > this.#places) {
      this.#units = scale(this.#units, places - this.#places);
      this.#places = places;
    }
    this.#units += scale(units, this.#places - places);
  }

  toDecimal(): Decimal {
    return write({ units: this.#units, places: this.#places });
  }
}

/** Zero of an empty list. */
export function sum(values: Iterable<Decimal>): Decimal {
  const total = new Total();
  for (const value of values) total.add(value);
  return total.toDecimal();
}

/** Negative when `a < b`, zero when equal (`1.0` equals `1`), positive when `a > b`. */
export function compare(a: Decimal, b: Decimal): -1 | 0 | 1 {
  const [left, right] = align(a, b);
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

export function isNegative(value: Decimal): boolean {
  return scaled(value).units < 0n;
}

export function isZero(value: Decimal): boolean {
  return scaled(value).units === 0n;
}

export function max(a: Decimal, b: Decimal): Decimal {
  return compare(a, b) < 0 ? b : a;
}

export function min(a: Decimal, b: Decimal): Decimal {
  return compare(a, b) > 0 ? b : a;
}

/** Exactly `places` digits after the point, half-up (away from zero when negative): `0.125` becomes `0.13`. */
export function roundMoney(value: Decimal, places = 2): Decimal {
  const number = scaled(value);
  if (number.places <= places) return write({ units: scale(number.units, places - number.places), places });
  return write({ units: divideRounded(number.units, 10n ** BigInt(number.places - places)), places });
}

/** As people read it: half-up to the cent where there is more than that; `1000` stays. */
export function moneyWords(value: Decimal): Decimal {
  return scaled(value).places <= 2 ? value : roundMoney(value);
}

/** Two amounts in one sentence that says which is more: exact where people would read the same of both. */
export function moneyWordsOf(a: Decimal, b: Decimal): readonly [Decimal, Decimal] {
  const words = [moneyWords(a), moneyWords(b)] as const;
  return compare(...words) === 0 && compare(a, b) !== 0 ? [a, b] : words;
}

/** A month is 730 hours for estimates; to the cent. */
export function monthlyFromHourly(hourly: Decimal): Decimal {
  return roundMoney(multiply(hourly, String(HOURS_PER_MONTH)));
}

/** The same, exactly: at least to the cent, with what is below it as long as it counts. For what is added up before it is rounded. */
export function monthOfHours(hourly: Decimal): Decimal {
  return exactMoney(multiply(hourly, String(HOURS_PER_MONTH)));
}

/** At least two digits after the point, and no more than the value needs: `7.5920` becomes `7.592`. */
export function exactMoney(value: Decimal): Decimal {
  const rounded = roundMoney(value);
  return compare(rounded, value) === 0 ? rounded : value.replace(/0+$/, '');
}

/** The hourly share of a month of 730 hours, to six digits, so that a month of it is the same to the cent. */
export function hourlyFromMonthly(monthly: Decimal): Decimal {
  return divide(monthly, String(HOURS_PER_MONTH), 6);
}
