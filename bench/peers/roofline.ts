/**
 * What WebAssembly reaches here at most, measured in the same run as everything else: multiply-adds per second, bytes
 * per second, exponentials per second.
 *
 * @module
 */

import asc from "assemblyscript/asc";
import { apart } from "./truth.ts";
import { type Opening, type Way, wayOf, Wrong } from "./race.ts";
import {
  CONSTANT_VALUES,
  CONSTANT_VECTORS,
  FLOPS,
  LAYOUT,
  SOURCE,
} from "./roofline_source.ts";

/** The module's functions. */
interface Exports {
  memory: WebAssembly.Memory;
  relaxed(rounds: number): number;
  simd(rounds: number): number;
  stream(from: number, bytes: number): number;
  streams(from: number, bytes: number): number;
  exp2(from: number, to: number, count: number): void;
}

/** Rounds of a call of chains: some 0.2 ms. */
const ROUNDS = 10_000;
/** Exponentials of a call: what lies in the nearest cache. */
const EXPONENTIALS = 2048;
const MEGABYTE = 2 ** 20;
const PAGE = 65536;

/** The ways of the roofline by name, and how much each does in a call. */
export const ROOFS = {
  "peak, relaxed multiply-add": ROUNDS * FLOPS,
  "peak, multiply and add": ROUNDS * FLOPS,
  "peak, exp2": EXPONENTIALS,
  "stream 64 MB": 64 * MEGABYTE,
  "stream 64 MB, 8 at once": 64 * MEGABYTE,
  "stream 256 MB": 256 * MEGABYTE,
  "stream 256 MB, 8 at once": 256 * MEGABYTE,
} as const;
export type Roof = keyof typeof ROOFS;

let made: Promise<Exports> | undefined;

/** The way that runs along a roof. */
export function roof(name: Roof): Opening {
  return async () => ways[name](await (made ??= make()));
}

const ways: Record<Roof, (exports: Exports) => Way> = {
  "peak, relaxed multiply-add": ({ relaxed }) => chains(relaxed),
  "peak, multiply and add": ({ simd }) => chains(simd),
  "peak, exp2": exponentials,
  "stream 64 MB": (exports) => sums(exports, "stream", 64 * MEGABYTE),
  "stream 64 MB, 8 at once": (exports) =>
    sums(exports, "streams", 64 * MEGABYTE),
  "stream 256 MB": (exports) => sums(exports, "stream", 256 * MEGABYTE),
  "stream 256 MB, 8 at once": (exports) =>
    sums(exports, "streams", 256 * MEGABYTE),
};

/** a ← a/2 + 1 tends to 2, and the sum of twelve chains to 24. */
function chains(run: (rounds: number) => number): Way {
  const limit = run(ROUNDS);
  if (limit !== 24) throw new Wrong(`the chains end at ${limit}, not at 24`);
  return wayOf({ run: () => run(ROUNDS) });
}

/** Ones are written first: pages that nobody wrote to are all the same page. */
function sums(
  { memory, ...functions }: Exports,
  name: "stream" | "streams",
  bytes: number,
): Way {
  const missing = LAYOUT.room + bytes - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
  new Float32Array(memory.buffer, LAYOUT.room, bytes / 4).fill(1);
  const run = () => functions[name](LAYOUT.room, bytes);
  // A lane starts from eight halves and takes in one number of sixteen bytes.
  const sum = run(), expected = 8 / 2 + bytes / 16;
  if (Math.abs(sum - expected) > expected * 2 ** -16) {
    throw new Wrong(`the sum is ${sum}, not ${expected}`);
  }
  return wayOf({ run });
}

function exponentials({ memory, exp2 }: Exports): Way {
  const from = LAYOUT.room / 2, to = from + 4 * EXPONENTIALS;
  const given = new Float32Array(memory.buffer, from, EXPONENTIALS)
    .map((_, i) => -20 * i / EXPONENTIALS);
  new Float32Array(memory.buffer, from, EXPONENTIALS).set(given);
  const run = () => exp2(from, to, EXPONENTIALS);
  run();
  const error = apart(
    new Float32Array(memory.buffer, to, EXPONENTIALS),
    Float64Array.from(given, (t) => 2 ** t),
  );
  // Seven roundings, and what the series leaves out of 2^r: (½ ln 2)^7/7! < 2^-23.
  if (error > 8 * 2 ** -23) throw new Wrong(`exp2 is off by ${error}`);
  return wayOf({ run });
}

/** Compiles the module and lays out its constants. */
async function make(): Promise<Exports> {
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  const { error, stderr } = await asc.main([
    ...["roofline.ts", "--outFile", "roofline.wasm"],
    ...["-O3", "--noAssert", "--runtime", "stub", "--use", "abort="],
    ...["--enable", "simd", "--enable", "relaxed-simd"],
    ...["--memoryBase", String(LAYOUT.constants + 16 * CONSTANT_VECTORS)],
  ], {
    readFile: (path) => path === "roofline.ts" ? SOURCE : null,
    writeFile: (path, contents) => {
      if (path.endsWith(".wasm")) {
        bytes = Uint8Array.from(contents as Uint8Array);
      }
    },
    listFiles: () => [],
  });
  if (error !== null || bytes === undefined) {
    throw new Error(`Cannot build the roofline: ${stderr.toString()}`);
  }
  const { instance } = await WebAssembly.instantiate(bytes);
  const exports = instance.exports as unknown as Exports;
  const { memory } = exports, missing = LAYOUT.room - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
  const constants = new Float32Array(memory.buffer, LAYOUT.constants);
  // Chains begin one apart from the other, so that no two are one.
  for (let i = 0; i < 4 * CONSTANT_VECTORS; i++) {
    constants[i] = CONSTANT_VALUES[i >> 2] ?? i >> 2;
  }
  return exports;
}
