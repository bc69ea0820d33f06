/** Quantities as Kubernetes writes them: `500m`, `1.5Gi`, `2e3`, `4`. Pure. */

const MULTIPLIERS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** `E` and `e` with digits behind them are an exponent; `E` alone is the suffix. */
const QUANTITY = /^\+?(\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d{1,3})|([numkMGTPE]|[KMGTPE]i)?)$/;

/** In units of one: cores, bytes. Undefined for what is no quantity of 0 or more. */
export function parseQuantity(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : undefined;
  const [, digits, exponent, suffix = ''] = typeof value === 'string' ? (QUANTITY.exec(value.trim()) ?? []) : [];
  if (digits === undefined) return undefined;
  const amount = exponent === undefined ? Number(digits) * (MULTIPLIERS[suffix] ?? Number.NaN) : Number(`${digits}e${exponent}`);
  return Number.isFinite(amount) ? amount : undefined;
}

/** What binary fractions add to a decimal one, as in 0.1 × 1,000. */
const NOISE = 1e-6;

/** Kubernetes counts whole thousandths of a core and rounds up. */
export function toMillicores(cores: number): number {
  return Math.ceil(cores * 1_000 - NOISE);
}

/** Gibibytes, as the catalogs count memory and disks, to six decimals. */
export function toGibibytes(bytes: number): number {
  return Math.round((bytes / 2 ** 30) * 1e6) / 1e6;
}
