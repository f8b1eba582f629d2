/**
 * Live sets whose exact answers lie next to a boundary of R: what a bound that is too small answers wrongly.
 *
 * Chance never meets a boundary, so the sets are built. Keys, and with them all weights, are drawn first. A component
 * is then N + Σ w_i v_i over the mass, and a few keys are kept free to choose their v_i, 32-bit floats of 24 bits
 * each: the first takes the component to where it is wanted, the others to within 2⁻⁵⁰, 2⁻⁷⁵ … of a boundary there. A
 * key that is gone, or one that comes late, leaves the anchors of the row off by some bits.
 *
 * @module
 */

import type { Random } from "../src/random.ts";
import {
  exactly,
  floorLog2,
  ORACLE_KAPPA,
  ORACLE_THETA,
  oracleExp2,
  type OracleKey,
  oracleRoundEven,
  oracleScale,
  oracleScore,
  type OracleSums,
  oracleSums,
} from "./oracle.ts";

/** What a set is about. */
export type Kind =
  /** Random keys and values, components of any size down to what cancellation leaves. */
  | "ordinary"
  /** One key of value 0 holds nearly all the mass. */
  | "sink"
  /** Copies of one weak key under a strong one: the grids round all of them the same way. */
  | "copies"
  /** Copies again, in a row whose anchors are so stale that the bound is a good part of a step, below a binade. */
  | "binade"
  /** A mass and components just above powers of two, where a rounding is a whole unit of 2⁻⁵³. */
  | "rounded"
  /** A value scale next to κ · 2^E, and components that only it limits. */
  | "scale";

export const KINDS: readonly Kind[] = [
  "ordinary",
  "sink",
  "copies",
  "binade",
  "rounded",
  "scale",
];

/** Bits by which the anchors of the ordinary kinds are off: below, on and above the mass. */
export const OFFSETS: readonly number[] = [-3, 0, 3, 12, 20];

/** A live set and the history that its row has seen. */
export interface BoundarySet {
  kind: Kind;
  query: Float32Array;
  scale: number;
  /** The live keys. */
  keys: OracleKey[];
  /** How many of them, the last ones, come after the anchors are set. */
  late: number;
  /** A key that was there when the anchors were set. */
  gone: OracleKey | undefined;
}

/** Builds a set for answers of `precision` significant bits. */
export function buildSet(
  random: Random,
  kind: Kind,
  precision: number,
  valueDim: number,
): BoundarySet {
  const dim = random.integer(5), scale = 0.2 + random.uniform();
  const query = normals(random, dim);
  const make = (bits: number, value: Float32Array): OracleKey => ({
    key: normals(random, dim).map((x) => x / 8),
    value,
    bias: bits * Math.LN2,
  });
  const free = Array.from(
    { length: 3 + random.integer(2) },
    () =>
      make(-random.integer(random.integer(45) + 1), new Float32Array(valueDim)),
  );
  const keys = [...baseKeys(random, kind, dim, valueDim, make), ...free];
  // The bound of so many copies is a tenth to one step where the anchors are off by this.
  let offset = kind === "binade"
    ? 72 - precision + 1.5 * random.uniform()
    : OFFSETS[random.integer(OFFSETS.length)];
  const { mass, exponent } = oracleSums(query, keys, scale);
  const bits = floorLog2(mass, 1n) + exponent;
  if (offset < 0) {
    keys.push(make(bits - offset, drawValue(random, kind, valueDim)));
  } else if (kind !== "binade") offset += random.uniform();
  const set: BoundarySet = {
    kind,
    query,
    scale,
    keys,
    late: offset < 0 ? 1 : 0,
    gone: offset > 1
      ? make(bits + offset, drawValue(random, kind, valueDim))
      : undefined,
  };
  placeComponents(random, set, precision, free);
  return set;
}

function baseKeys(
  random: Random,
  kind: Kind,
  dim: number,
  valueDim: number,
  make: (bits: number, value: Float32Array) => OracleKey,
): OracleKey[] {
  const some = (count: number, bits: () => number) =>
    Array.from(
      { length: count },
      () => make(bits(), drawValue(random, kind, valueDim)),
    );
  const copies = (bits: number) => {
    const [key] = some(1, () => bits);
    return Array.from({ length: 30 + random.integer(10) }, () => key);
  };
  switch (kind) {
    case "ordinary":
      return some(4 + random.integer(24), () => 4 * random.normal());
    case "sink":
      return [
        make(7 + 30 * random.uniform(), new Float32Array(valueDim)),
        ...some(4 + random.integer(10), () => random.normal()),
      ];
    case "copies":
      return [
        ...some(1, () => 0),
        ...copies(-30 - 45 * random.uniform()),
      ];
    case "binade":
      return copies(0);
    case "rounded":
      return [
        {
          ...make(
            30 + 0.06 * random.uniform(),
            drawValue(random, kind, valueDim),
          ),
          key: new Float32Array(dim),
        },
        ...some(2 + random.integer(5), () => random.normal()),
      ];
    case "scale":
      return some(4 + random.integer(20), random.normal);
  }
}

function drawValue(random: Random, kind: Kind, valueDim: number): Float32Array {
  const value = normals(random, valueDim);
  if (kind !== "scale") return value;
  // The first column holds the peaks: it is the value scale.
  return value.map((x, c) =>
    c === 0 ? 4 + Math.min(3, Math.abs(x)) : Math.max(-3, Math.min(3, x))
  );
}

/** Chooses the values of the free keys, so that every component comes to lie where its kind wants it. */
function placeComponents(
  random: Random,
  { kind, query, scale, keys }: BoundarySet,
  precision: number,
  [first, ...rest]: OracleKey[],
): void {
  const before = oracleSums(query, keys, scale);
  const wanted = before.numerators.map((_, c) => {
    if (kind !== "scale") return wantedSize(random, kind, ratio(before, c));
    // Columns other than the peaks: so small that the value scale decides on their step.
    if (c > 0) {
      return random.normal() * 2 ** -(random.integer(30) + 48 - precision);
    }
    return ORACLE_KAPPA * 2 ** Math.ceil(Math.log2(ratio(before, 0)) + 1);
  });
  wanted.forEach((x, c) =>
    approach(before, c, dyadic(x), query, scale, [first])
  );
  const sums = oracleSums(query, keys, scale);
  const rowScale = oracleScale(sums.magnitude, sums.mass);
  wanted.forEach((x, c) => {
    if (kind === "scale") {
      if (c > 0) return;
      const off = 2 ** -(49 + 12 * random.uniform()) * sign(random);
      approach(sums, c, dyadic(x) + dyadic(x * off), query, scale, rest);
      return;
    }
    const size = Math.abs(x);
    const step = 2 ** Math.max(
      Math.floor(Math.log2(size)) - (precision - 1),
      rowScale - 48,
      -300,
    );
    // Below a power of two the last boundary is that of the step below it.
    const [whole, of] = kind === "binade"
      ? [2 ** precision - 1, step / 2]
      : [Math.floor(size / step), step];
    const boundary = dyadic(whole * of) + dyadic(ORACLE_THETA * of);
    const off = kind === "binade"
      ? dyadic(-0.05 * random.uniform() * of)
      : distance(random, size, 2 ** rowScale);
    const target = boundary + off;
    approach(sums, c, x < 0 ? -target : target, query, scale, rest);
  });
  nudge(random, rest[rest.length - 1].value as Float32Array);
}

/** Where a component is wanted, given where it is. */
function wantedSize(random: Random, kind: Kind, now: number): number {
  // All of one size: none of them makes the row loose before the others are answered.
  if (kind === "binade") return sign(random);
  const power = 2 ** (random.integer(5) - 2) * sign(random);
  if (kind === "rounded") return power * (1 + 0.06 * random.uniform());
  return random.integer(3) > 0
    ? now + random.normal() / 8
    : random.normal() * 2 ** -random.integer(46);
}

/** How far from the boundary: relative to the component or to its row, from where roundings are to where grids are. */
function distance(random: Random, size: number, unit: number): bigint {
  const of = random.integer(2) === 0 ? size : unit;
  const bits = random.integer(3) === 0
    ? 50 - Math.log2(random.uniform())
    : 50 + 35 * random.uniform();
  return dyadic(of * 2 ** -bits * sign(random));
}

/** Moves the last free value of some columns by up to three of its units. */
function nudge(random: Random, values: Float32Array): void {
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  for (let c = 0; c < values.length; c++) {
    if (values[c] !== 0 && random.integer(2) === 0) {
      bits[c] += random.integer(7) - 3;
    }
  }
}

/** Fixed point: as many bits behind the point. */
const POINT = 400;

function dyadic(x: number): bigint {
  const { digits, exponent } = exactly(x), places = exponent + POINT;
  return places >= 0 ? digits << BigInt(places) : digits >> BigInt(-places);
}

/** The component c of a row as it is. */
function ratio({ mass, numerators }: OracleSums, c: number): number {
  return Number((numerators[c] << BigInt(POINT)) / mass) * 2 ** -POINT;
}

/**
 * Sets column `c` of the free keys, in which it is 0, so that the average comes close to `target`.
 *
 * Values are cut off towards zero: what is left never changes its sign.
 */
function approach(
  { mass, numerators, exponent }: OracleSums,
  c: number,
  target: bigint,
  query: Float32Array,
  scale: number,
  free: readonly OracleKey[],
): void {
  // In units of 2^(exponent − POINT).
  let left = target * mass - (numerators[c] << BigInt(POINT));
  for (const { key, value, bias } of free) {
    const score = oracleScore(query, key, scale, bias);
    const whole = oracleRoundEven(score), mantissa = oracleExp2(score - whole);
    const places = whole - (exponent - POINT);
    const chosen = cut(scaled(left, -places) / mantissa);
    (value as Float32Array)[c] = chosen;
    const { digits, exponent: at } = exactly(mantissa * chosen);
    const up = at + places;
    left -= up >= 0 ? digits << BigInt(up) : digits >> BigInt(-up);
  }
}

/** digits · 2^places, for any size of digits. */
function scaled(digits: bigint, places: number): number {
  const length = digits.toString(16).length * 4,
    drop = Math.max(0, length - 64);
  return Number(digits >> BigInt(drop)) * 2 ** (places + drop);
}

/** The 32-bit float next to x on the side of 0. */
function cut(x: number): number {
  const near = Math.fround(x);
  if (Math.abs(near) <= Math.abs(x)) return near;
  const float = Float32Array.of(near), bits = new Int32Array(float.buffer);
  bits[0]--;
  return float[0];
}

function normals(random: Random, count: number): Float32Array {
  return Float32Array.from({ length: count }, () => random.normal());
}

function sign(random: Random): number {
  return random.integer(2) === 0 ? 1 : -1;
}
