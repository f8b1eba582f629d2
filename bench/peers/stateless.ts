/**
 * Attention without a state: many queries, a few, one, and one over more keys than a cache holds.
 *
 * @module
 */

import { matrices } from "../ways.ts";
import { atLeast, type Claim } from "./bars.ts";
import { childAttention } from "./child.ts";
import { ortWeb } from "./ort_web.ts";
import { KERNELS, ours, RESIDENT, resident, stateless } from "./ours.ts";
import { bestOf, type Field, over, race, timeOf, wayOf } from "./race.ts";
import { type Roof, roof, ROOFS } from "./roofline.ts";
import { ruvector } from "./ruvector.ts";
import { tfjs } from "./tfjs.ts";
import {
  faster,
  flopsOf,
  measureOf,
  problemOf,
  type Section,
  type Setting,
  type Workload,
} from "./workload.ts";

const OURS = ours("auto");
const MANY = [[512, 512], [1024, 1024], [256, 16384]] as const;
/** Queries at 4096 keys; the eighth has the bars, which are the stretch of the others. */
const FEW = [8, 7, 6, 5, 4, 3, 2], FEW_KEYS = 4096;
const FEW_GOALS = { numpy: 1.1, torch: 1.0, "onnxruntime-node": 0.9 };
const ONE = [1024, 4096];
const MILLION = 1_000_000;
const FMA: Roof = "peak, relaxed multiply-add";
const SIMD: Roof = "peak, multiply and add";

/** Products as large as those of a model's layer. */
export const many: Workload = {
  about:
    "`scaledDotProductAttention` of n queries over m keys. A floating point operation is one of 2·n·m·(d + dv); the peak is that of a loop in registers, raced along.",
  run: (setting) => inTurn(MANY, ([n, m]) => raceMany(n, m, setting)),
};

async function raceMany(
  n: number,
  m: number,
  { samples, children }: Setting,
): Promise<Section> {
  const { problem, truth } = problemOf(n, m);
  const entries = await race({
    ...stateless(problem, truth),
    ...childAttention(children, problem, truth),
    ...ortWeb(problem, truth),
    "tfjs-backend-wasm": tfjs("wasm", problem, truth),
    ...(n * m <= CPU_LIMIT
      ? { "tfjs-backend-cpu": tfjs("cpu", problem, truth) }
      : {}),
    "ml-matrix": () => wayOf(matrices(problem)),
    [FMA]: roof(FMA),
    [SIMD]: roof(SIMD),
  }, samples);
  const peak = over(ROOFS[FMA], timeOf(entries, FMA));
  const speed = over(flopsOf(problem), timeOf(entries, OURS));
  return {
    title: `(${n}, ${m})`,
    entries,
    ours: OURS,
    claims: [
      atLeast("of the relaxed-FMA peak", over(speed, peak), 0.72, 0.92),
      against("onnxruntime-web", 1.7, 2.2),
      against("tfjs-backend-wasm", 9, 15),
      against("ml-matrix", 14, 25),
      against("numpy", 0.55, 0.75),
      against("onnxruntime-node", 0.33, 0.45),
      against("torch"),
      atLeast(
        "simd, of the speed of relaxed",
        over(timeOf(entries, ours("relaxed")), timeOf(entries, ours("simd"))),
        0.65,
      ),
    ],
    notes: [
      measureOf(truth()),
      `GFLOP/s: ours ${figure(speed)}, relaxed-FMA peak ${
        figure(peak)
      }, multiply and add ${figure(over(ROOFS[SIMD], timeOf(entries, SIMD)))}.`,
      ...(n * m <= CPU_LIMIT
        ? []
        : ["tfjs-backend-cpu: not asked, a call takes seconds."]),
    ],
  };

  function against(peer: string, bar?: number, stretch?: number): Claim {
    return atLeast(`÷ ${peer}`, faster(entries, peer, OURS), bar, stretch);
  }
}

/** Scores for which plain JavaScript is asked as well. */
const CPU_LIMIT = 2 ** 20;

/** A batch of questions to one context. */
export const few: Workload = {
  about:
    `\`scaledDotProductAttention\` of 2 to 8 queries over ${FEW_KEYS} keys. The bars are those of 8 queries; for fewer they are what is aimed at.`,
  run: (setting) => inTurn(FEW, (n) => raceFew(n, setting)),
};

async function raceFew(
  n: number,
  { samples, children }: Setting,
): Promise<Section> {
  const { problem, truth } = problemOf(n, FEW_KEYS);
  const entries = await race({
    ...stateless(problem, truth, n === FEW[0] ? KERNELS : ["auto"]),
    ...(n === FEW[0] ? resident(problem, truth) : {}),
    ...childAttention(children, problem, truth),
    ...(n === FEW[0] ? ortWeb(problem, truth) : {}),
  }, samples);
  const against = (way: string, measure: string): Claim[] =>
    Object.entries(FEW_GOALS).map(([peer, goal]) => {
      const value = faster(entries, peer, way), named = `${measure}÷ ${peer}`;
      return n === FEW[0]
        ? atLeast(named, value, goal)
        : atLeast(named, value, undefined, goal);
    });
  return {
    title: `(${n}, ${FEW_KEYS})`,
    entries,
    ours: OURS,
    claims: [
      ...against(OURS, ""),
      ...(n === FEW[0] ? against(RESIDENT, "resident ") : []),
    ],
    notes: [measureOf(truth())],
  };
}

/** One question. */
export const one: Workload = {
  about:
    "`scaledDotProductAttention` of one query over m keys; resident: over `residentTensors`, as who decodes step by step has them.",
  run: (setting) => inTurn(ONE, (m) => raceOne(m, setting)),
};

async function raceOne(
  m: number,
  { samples, children }: Setting,
): Promise<Section> {
  const { problem, truth } = problemOf(1, m);
  const entries = await race({
    ...stateless(problem, truth),
    ...resident(problem, truth),
    ...childAttention(children, problem, truth),
    ...ortWeb(problem, truth),
    "tfjs-backend-wasm": tfjs("wasm", problem, truth),
    "tfjs-backend-cpu": tfjs("cpu", problem, truth),
    "ml-matrix": () => wayOf(matrices(problem)),
    "ruvector-attention-wasm": ruvector(problem, truth),
  }, samples);
  const against = (peer: string, bar?: number, stretch?: number) =>
    atLeast(`÷ ${peer}`, faster(entries, peer, OURS), bar, stretch);
  const residentAgainst = (peer: string, bar?: number, stretch?: number) =>
    atLeast(
      `resident ÷ ${peer}`,
      faster(entries, peer, RESIDENT),
      bar,
      stretch,
    );
  return {
    title: `(1, ${m})`,
    entries,
    ours: OURS,
    claims: [
      against("numpy", 1, 2),
      against("torch", 1.4, 3),
      against("onnxruntime-web", 4, 8),
      against("onnxruntime-node"),
      against("tfjs-backend-wasm"),
      against("ml-matrix"),
      against("ruvector-attention-wasm"),
      residentAgainst("numpy", 1, 2),
      residentAgainst("torch", 1.4, 3),
      residentAgainst("onnxruntime-web", 4, 8),
      residentAgainst("onnxruntime-node"),
    ],
    notes: [measureOf(truth())],
  };
}

/** One question to more than any cache holds. */
export const million: Workload = {
  about:
    `\`scaledDotProductAttention\` of one query over ${MILLION} keys, 512 MB of keys and values, against the bandwidth of a sum over 256 MB, the better of one stream and of eight side by side.`,
  run: async ({ samples, children }) => {
    const { problem, truth } = problemOf(1, MILLION);
    const streams: Roof[] = ["stream 256 MB", "stream 256 MB, 8 at once"];
    // Arrays of this size go to the two that have nothing else to build from them.
    const { numpy, torch } = children;
    const field: Field = {
      ...stateless(problem, truth, ["auto"]),
      ...resident(problem, truth),
      ...childAttention({ numpy, torch }, problem, truth),
    };
    for (const name of streams) field[name] = roof(name);
    const entries = await race(field, samples);
    const stream = over(ROOFS[streams[0]], bestOf(entries, streams));
    const bytes = problem.keys.byteLength + problem.values.byteLength;
    const rateOf = (way: string) => over(bytes, timeOf(entries, way));
    const read = rateOf(OURS), readResident = rateOf(RESIDENT);
    return [{
      title: `(1, ${MILLION})`,
      entries,
      ours: OURS,
      claims: [
        atLeast("of the stream bandwidth", over(read, stream), 0.6, 0.9),
        atLeast("÷ numpy", faster(entries, "numpy", OURS)),
        atLeast("÷ torch", faster(entries, "torch", OURS)),
        atLeast(
          "resident, of the stream bandwidth",
          over(readResident, stream),
          0.6,
          0.9,
        ),
        atLeast("resident ÷ numpy", faster(entries, "numpy", RESIDENT)),
        atLeast("resident ÷ torch", faster(entries, "torch", RESIDENT)),
      ],
      notes: [
        measureOf(truth()),
        `GB/s: ours ${figure(read)}, resident ${figure(readResident)}, stream ${
          figure(stream)
        }.`,
      ],
    }];
  },
};

/** What the processor does at most. */
export const roofline: Workload = {
  about: "What WebAssembly reaches here at most.",
  run: async ({ samples }) => {
    const names = Object.keys(ROOFS) as Roof[];
    const field: Field = Object.fromEntries(
      names.map((name) => [name, roof(name)]),
    );
    const entries = await race(field, samples);
    const rates = names.map((name) => {
      const rate = figure(over(ROOFS[name], timeOf(entries, name)));
      const unit = name.startsWith("stream")
        ? "GB/s"
        : name === "peak, exp2"
        ? "G exp2/s"
        : "GFLOP/s";
      return `${name}: ${rate} ${unit}.`;
    });
    return [{
      title: "Roofline",
      entries,
      ours: names[0],
      claims: [],
      notes: rates,
    }];
  },
};

/** Units for each ns are billions for each s. */
function figure(value: number | string): string {
  return typeof value === "string" ? value : value.toPrecision(3);
}

/** One after the other. */
async function inTurn<Case>(
  cases: readonly Case[],
  run: (one: Case) => Promise<Section>,
): Promise<Section[]> {
  const sections: Section[] = [];
  for (const one of cases) sections.push(await run(one));
  return sections;
}
