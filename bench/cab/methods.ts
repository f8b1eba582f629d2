/**
 * The contestants: exact attention, the methods of the library, and methods that others have published.
 *
 * A method of the library takes part in tasks, growth and streams by a line in {@linkcode OURS}, on real inputs by one in
 * {@linkcode REAL}; one that is for maintained attentions alone by a line in {@linkcode MAINTAINED}.
 *
 * @module
 */

import type { DenseMatrix } from "@reattend/reattend";
import {
  nystrom,
  observe,
  prune,
  pruned,
  smyrf,
  topK,
} from "@reattend/reattend/methods";
import { seeded } from "../../src/random.ts";
import {
  type Contestant,
  each,
  identity,
  type Library,
  library,
  plain,
} from "./contestant.ts";
import { abc } from "./methods/abc.ts";
import { exact, mean } from "./methods/exact.ts";
import { orthogonalRows, performer } from "./methods/performer.ts";
import { probSparse } from "./methods/prob_sparse.ts";
import { publishedNystrom } from "./methods/published_nystrom.ts";
import { publishedSmyrf } from "./methods/published_smyrf.ts";
import { localWindow } from "./methods/window.ts";
import { type Answer, normal32, type Problem } from "./problem.ts";

/** What all are compared with, and who knows nothing. */
export const VANILLA = "exact, textbook", MEAN = "mean of V";
/** As the Comprehensive Attention Benchmark sets its methods: cells, features, landmarks, keys of a window. */
const CAB = 16;

/** Nothing left out. */
const EXACT: Library = {
  name: "exact",
  budget: "all keys, 32 bits",
  method: () => undefined,
};

/** The library's methods: each does the tasks and is maintained in the streams. */
const OURS: readonly Library[] = [
  best(16),
  best(64),
  hashed(4, CAB),
  seenThrough(CAB),
  seenThrough(CAB, "keys"),
];

/** Who takes part in the tasks. */
export const CONTESTANTS: readonly Contestant[] = [
  plain({ name: VANILLA, budget: "all keys", attend: each(exact) }),
  plain({ name: MEAN, budget: "no key", attend: each(mean) }),
  ...[EXACT, ...OURS].map(library),
  plain({
    name: "local window",
    budget: `${CAB} keys`,
    attend: each((head) => localWindow(head, CAB)),
  }),
  plain({
    name: "ABC",
    budget: `${CAB} cells`,
    chance: true,
    attend: each((head, seed) => attendCells(head, seed)),
    weigh: (head, seed) =>
      attendCells(head, seed, identity(head.keys.rows)).outputs,
  }),
  plain({
    name: "Performer",
    budget: `${CAB} features`,
    chance: true,
    attend: each((head, seed) =>
      performer(head, orthogonalRows(seeded(seed), CAB, head.keys.columns))
    ),
  }),
  plain({
    name: "ProbSparse",
    budget: "5⌈ln n⌉ queries",
    chance: true,
    attend: each((head, seed) => probSparse(head, seeded(seed))),
  }),
  smyrfAsPublished(4, CAB),
  nystromAsPublished(CAB),
];

/** Who takes part on real inputs: the published methods at the budgets of their table, ours at the same. */
export const REAL: readonly Contestant[] = [
  plain({ name: MEAN, budget: "no key", attend: each(mean) }),
  library(best(16)),
  ...([[4, 16], [4, 32], [8, 32]] as const).flatMap(([rounds, keys]) => [
    smyrfAsPublished(rounds, keys),
    library(hashed(rounds, keys)),
    library(best(rounds * keys)),
  ]),
  ...[16, 32, 64].flatMap((landmarks) => [
    nystromAsPublished(landmarks),
    library(seenThrough(landmarks)),
  ]),
];

/** Prunes what mattered least in the memory as it was at the beginning: of 256 keys 64 are left, of all queries together. */
const PRUNED: Library = {
  name: "pruned(0.75)",
  budget: "a quarter of the pairs",
  method: () => pruned({ sparsity: 0.75 }),
  settle(attention) {
    observe(attention);
    prune(attention);
  },
};

/** What is maintained in the streams; the first leaves nothing out. */
export const MAINTAINED: readonly Library[] = [EXACT, ...OURS, PRUNED];

/** Who starts over in the streams. */
export const RESTARTED: readonly Contestant[] = [
  library(EXACT),
  smyrfAsPublished(4, CAB),
  nystromAsPublished(CAB),
];

/** The k best keys. */
function best(k: number): Library {
  return { name: `topK(${k})`, budget: `${k} keys`, method: () => topK(k) };
}

/** So many keys for each of so many rounds of hashing. */
function hashed(rounds: number, keys: number): Library {
  return {
    name: `smyrf ${rounds} × ${keys}`,
    budget: `${rounds * keys} keys`,
    chance: true,
    method: (seed) => smyrf({ clusterSize: keys, hashes: rounds, seed }),
  };
}

/** So many landmarks: means of queries and keys, or of keys alone, which tell nothing of later queries. */
function seenThrough(
  landmarks: number,
  landmarkQueries: "queries" | "keys" = "queries",
): Library {
  const own = landmarkQueries === "queries" ? "" : `, ${landmarkQueries}`;
  return {
    name: `nystrom(${landmarks})${own}`,
    budget: `${landmarks} landmarks`,
    fitsValues: true,
    method: () => nystrom({ landmarks, landmarkQueries }),
  };
}

/** SMYRF as published; heads share their directions. */
function smyrfAsPublished(rounds: number, keys: number): Contestant {
  return plain({
    name: `SMYRF ${rounds} × ${keys}, published`,
    budget: `${rounds * keys} keys`,
    chance: true,
    attend: each((head, seed) =>
      publishedSmyrf(head, { rounds, keys }, seeded(seed))
    ),
  });
}

/** Nyströmformer as published. */
function nystromAsPublished(landmarks: number): Contestant {
  return plain({
    name: `Nyström ${landmarks}, published`,
    budget: `${landmarks} landmarks`,
    attend: (heads) => publishedNystrom(heads, landmarks),
  });
}

/** ABC with controls of chance, logits of deviation 1 for rows of deviation 1. */
function attendCells(
  head: Problem,
  seed: number,
  averaged?: DenseMatrix,
): Answer {
  const random = seeded(seed);
  const draw = ({ columns }: DenseMatrix) =>
    normal32(random, CAB, columns, 1 / Math.sqrt(columns));
  const controls = { keys: draw(head.keys), values: draw(head.values) };
  return abc(head, controls, averaged);
}
