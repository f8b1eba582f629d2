/**
 * Nyström attention that is maintained: landmark queries are rows like watched ones, the rest is small.
 *
 * Y = softmax(Q̃ Kᵀ) V is what the house keeps anyway: the answers of r standing queries, lazily updated and canonical.
 * Everything else is formed from what is stored now, in an order that ids alone settle, so that all bits are those of a
 * fresh attention. A segment's mean is formed anew only where its keys are others or have changed, Γ only where a
 * landmark has, its inverse where Γ or, for the ridge, Y has.
 *
 * @module
 */

import { counted } from "../check.ts";
import { answerGuest, answerRow, answerRows } from "../answer/answer.ts";
import type { Query } from "../kernel/kernel.ts";
import { storeBytes } from "../matrix/store.ts";
import { COLD } from "../memory/log.ts";
import type { Memory, RowTable } from "../memory/memory.ts";
import type { Approximation } from "../memory/method.ts";
import { listSlots, slotsBytes } from "../memory/slots.ts";
import { sumsBytes } from "../softmax/row.ts";
import { gather, GUEST } from "../sync/recompute.ts";
import { syncCosts, syncRows } from "../sync/sync.ts";
import { product } from "./inverse.ts";
import {
  keepLandmarks,
  type KeptLandmarks,
  placeKeys,
  placeQueries,
  resizeLandmarks,
  voidSums,
} from "./kept_landmarks.ts";
import { gammaOf, scoreLandmarks, weighScores } from "./landmarks.ts";
import type { Settings } from "./settings.ts";
import {
  diagnose,
  makeSolver,
  settleRidge,
  type Solver,
  solverBytes,
  solvingCost,
  takeGamma,
} from "./solver.ts";

/**
 * Significant bits of Y. An inverse enlarges what is rounded off, so there are more than in an answer; still the
 * quotients of the sums are nearly always certain of so many.
 */
export const ANSWER_BITS = 44;

/** What it keeps of one attention. */
export class LandmarkRows implements Approximation {
  readonly #settings: Settings;
  readonly #memory: Memory;
  readonly #landmarks: KeptLandmarks;
  /** Their view, with finer answers. */
  readonly #fine: Memory;
  readonly #solver: Solver;
  /** The newest write taken in. */
  #clock = COLD;
  /** A watched query has come, gone or become another since. */
  #queriesStale = true;
  /** A landmark has become another that Γ does not know. */
  #gammaStale = true;
  /** size × valueDim: Z Y. */
  #coefficients: Float64Array = new Float64Array(0);
  /** dim: a query, written out. size: its weights. */
  readonly #query: Float64Array;
  #weights: Float64Array = new Float64Array(0);

  constructor(verb: string, memory: Memory, settings: Settings) {
    refuseMemory(verb, memory, settings);
    this.#memory = memory;
    this.#settings = settings;
    this.#landmarks = keepLandmarks(memory);
    this.#fine = { ...this.#landmarks.view, precision: ANSWER_BITS };
    this.#solver = makeSolver(settings, memory.kernel);
    this.#query = new Float64Array(memory.dim);
  }

  get rows(): RowTable {
    return this.#landmarks.rows;
  }

  isCurrent(): boolean {
    return this.#clock === this.#memory.log.clock && !this.#queriesStale;
  }

  sync(): void {
    const { log } = this.#memory, landmarks = this.#landmarks;
    const { givenKeys, landmarkQueries } = this.#settings;
    const members = this.#listKeys();
    // Where no query is watched nobody is behind, and the log forgets what these rows have missed.
    if (log.settled > this.#clock) voidSums(landmarks);
    if (members.length <= this.#settings.landmarks) {
      // Nothing is approximated, and nobody brings these rows up to date.
      voidSums(landmarks);
      landmarks.size = 0;
    } else {
      const size = this.#sizeOf();
      if (size === 0) this.#refuseGuests();
      if (size !== landmarks.size) {
        resizeLandmarks(landmarks, size);
        this.#weights = new Float64Array(size);
        this.#queriesStale = true;
        this.#gammaStale = true;
      }
      const moved = placeKeys(landmarks, givenKeys, members, this.#clock);
      if (moved) this.#gammaStale = true;
      if (this.#queriesStale || (moved && landmarkQueries === "keys")) {
        if (placeQueries(landmarks, this.#memory, this.#settings)) {
          this.#gammaStale = true;
        }
      }
      this.#solve();
    }
    this.#clock = log.clock;
    this.#queriesStale = false;
  }

  cost(): number {
    if (this.isCurrent()) return 0;
    const { keys: { slots }, rows: { slots: watched }, dim, valueDim, log } =
      this.#memory;
    const { landmarks, givenKeys, landmarkQueries } = this.#settings;
    const kept = this.#landmarks;
    if (slots.size <= landmarks) return 0;
    const size = this.#sizeOf(), rows = listSlots(kept.rows.slots);
    const isStale = this.#queriesStale || size !== kept.size ||
      landmarkQueries === "keys";
    const queries = landmarkQueries === "queries" && isStale ? watched.size : 0;
    const means = givenKeys ? 0 : (slots.size + queries) * dim;
    // At most: a row that starts over is dense.
    const answers = isStale || log.settled > this.#clock
      ? size * slots.size * (dim + valueDim + 1)
      : syncCosts(kept.view, rows.slice(0, size));
    return means + answers + size * (valueDim + 1) + size * size * dim +
      solvingCost(this.#settings, size, valueDim) + size * size * valueDim;
  }

  answer(query: Query, out: Float64Array, at: number): void {
    const { kernel, dim, valueDim, scale } = this.#memory;
    const { size, keys, view } = this.#landmarks;
    if (size === 0) {
      answerGuest(view, query, 0, undefined, out, at);
      return;
    }
    this.#write(query);
    const own = this.#ownRow();
    if (own >= 0) {
      // Answers that are kept are of the other precision.
      this.rows.answers.delete(own);
      answerRow(view, own, out, at);
      this.rows.answers.delete(own);
      return;
    }
    const weights = this.#weights, coefficients = this.#coefficients;
    scoreLandmarks(this.#query, 0, keys, dim, size, scale, 0, weights, 0);
    weighScores(weights, 0, size);
    out.fill(0, at, at + valueDim);
    for (let j = 0, from = 0; j < size; j++, from += valueDim) {
      const weight = weights[j];
      for (let c = 0; c < valueDim; c++) {
        out[at + c] += weight * coefficients[from + c];
      }
    }
    kernel.multiplyAdds += size * (dim + valueDim);
  }

  forget(): void {
    this.#queriesStale = true;
  }

  bytes(): number {
    const { slots, queries, clocks, sums, answers } = this.rows;
    const landmarks = this.#landmarks;
    let bytes = slotsBytes(slots) + storeBytes(queries) +
      5 * clocks.byteLength + sumsBytes(sums) + solverBytes(this.#solver);
    for (
      const { byteLength } of [
        ...answers.values(),
        landmarks.members,
        landmarks.queries,
        landmarks.keys,
        this.#coefficients,
        this.#query,
        this.#weights,
      ]
    ) bytes += byteLength;
    return bytes;
  }

  stats(): Readonly<Record<string, number>> {
    const { refactored, ridge, settings: { inverse } } = this.#solver;
    const { size } = this.#landmarks, isUsed = size > 0;
    return {
      landmarks: size,
      refactored,
      ...(isUsed ? diagnose(this.#solver) : { residual: 0, rowSumDefect: 0 }),
      ...(inverse === "ridge" ? { ridge: isUsed ? ridge : 0 } : {}),
    };
  }

  /** How many landmarks there are to be. */
  #sizeOf(): number {
    const { landmarks, landmarkQueries } = this.#settings;
    return landmarkQueries === "queries"
      ? Math.min(landmarks, this.#memory.rows.slots.size)
      : landmarks;
  }

  /** Slots of the keys that count, by ascending id. */
  #listKeys(): Int32Array {
    const count = gather(this.#landmarks.view, GUEST, 0);
    return this.#memory.scratch.slots.slice(0, count);
  }

  #refuseGuests(): never {
    throw new TypeError(
      `Cannot attend: no query is watched and the landmarks of ${this.#settings.name} are means of such, some should be watched or landmarks be of keys or given`,
    );
  }

  /** Brings Y, Γ, Z and Z Y up to date. */
  #solve(): void {
    const { dim, valueDim, scale, kernel } = this.#memory;
    const { size, queries, keys } = this.#landmarks;
    const rows = Int32Array.from({ length: size }, (_, row) => row);
    syncRows(this.#fine, rows);
    const answers = new Float64Array(size * valueDim);
    answerRows(this.#fine, rows, answers);
    if (this.#gammaStale) {
      const gamma = gammaOf(queries, keys, dim, size, scale, 0);
      kernel.multiplyAdds += size * size * dim;
      takeGamma(this.#solver, gamma, size);
      this.#gammaStale = false;
    }
    settleRidge(this.#solver, answers, valueDim);
    const { inverse } = this.#solver;
    this.#coefficients = product(inverse, answers, size, valueDim, false);
    kernel.multiplyAdds += size * size * valueDim;
  }

  /** Writes a query out. */
  #write({ dim, rows, at, entries }: Query): void {
    const written = this.#query;
    if (entries === undefined) {
      for (let t = 0; t < dim; t++) written[t] = rows[at + t];
      return;
    }
    written.fill(0);
    const { columns, numbers, start, count } = entries;
    for (let i = start; i < start + count; i++) {
      written[columns[i]] = numbers[i];
    }
  }

  /** Where every watched query is a landmark of its own, the row of the one written out; else −1. */
  #ownRow(): number {
    const { rows: { slots: watched }, dim } = this.#memory;
    const { landmarks, landmarkQueries } = this.#settings;
    if (landmarkQueries !== "queries" || watched.size > landmarks) return -1;
    const query = this.#query, { size, queries } = this.#landmarks;
    for (let j = 0, at = 0; j < size; j++, at += dim) {
      let t = 0;
      while (t < dim && query[t] === queries[at + t]) t++;
      if (t === dim) return j;
    }
    return -1;
  }
}

/** Refuses an attention that cannot be approximated, and settings that do not fit it. */
function refuseMemory(
  verb: string,
  { mask, dim }: Memory,
  { name, dim: given, padding, convolution }: Settings,
): void {
  if (mask.kind !== "all") {
    throw new TypeError(
      `Cannot ${verb}: a mask is given with the method ${name}, whose landmarks see all keys, it should be left out`,
    );
  }
  if (padding !== "keys" || convolution !== undefined) {
    throw new TypeError(
      `Cannot ${verb}: the method is ${name} with ${
        padding === "keys" ? "convolution" : "padding"
      }, which is for tensors, it should be left out`,
    );
  }
  if (given !== undefined && given !== dim) {
    throw new RangeError(
      `Cannot ${verb}: landmarks have ${
        counted(given, "number")
      }, they should have ${dim} like keys`,
    );
  }
}
