/**
 * Runs batches of malformed inputs and counts what came of them.
 *
 * A batch has a seed and an attention with a history of its own. First come the inputs that must be refused: the
 * attention is looked at after each, and written down to the bit before the first and after the last. Those that may be
 * let in come after them, each judged by the model, and at the end everything stored and every row read is compared.
 *
 * @module
 */

import { outputs, stats } from "../../mod.ts";
import { seeded } from "../../src/random.ts";
import { dump } from "../same.ts";
import {
  attentionFor,
  drawModel,
  drawSettings,
  drawSteps,
  perform,
  pick,
  some,
} from "../scripts.ts";
import type { Input, Scene } from "./door.ts";
import { type Distance, DOORS, drawInput } from "./doors.ts";
import { attentionDiffers, digest, judge, type Verdict } from "./judge.ts";

/** What happened to inputs. */
export interface Count {
  refused: number;
  accepted: number;
}

/** What came of some batches: plain data. */
export interface Tally extends Count {
  /** Refused inputs that are one mutation from right. */
  oneStep: number;
  doors: Record<string, Count>;
  /** Inputs by the only mutation in them. */
  mutations: Record<string, Count>;
  /** What is wrong, by door and mutations: how often, and the first time. */
  faults: Record<string, { count: number; first: string }>;
  slowest: number;
  largest: number;
}

/** No input may take more. */
export const MOST_MILLISECONDS = 1000, MOST_BYTES = 64 * 2 ** 20;

/** Inputs of a batch. */
export const BATCH = 100;

/** Told what is under way. */
export type Progress = (input: number, name: string) => void;

/** Nothing so far. */
export function makeTally(): Tally {
  return {
    refused: 0,
    accepted: 0,
    oneStep: 0,
    doors: {},
    mutations: {},
    faults: {},
    slowest: 0,
    largest: 0,
  };
}

/** Adds what others counted. */
export function add(tally: Tally, other: Tally): void {
  tally.refused += other.refused;
  tally.accepted += other.accepted;
  tally.oneStep += other.oneStep;
  tally.slowest = Math.max(tally.slowest, other.slowest);
  tally.largest = Math.max(tally.largest, other.largest);
  for (const part of ["doors", "mutations"] as const) {
    for (const [name, { refused, accepted }] of Object.entries(other[part])) {
      const count = tally[part][name] ??= { refused: 0, accepted: 0 };
      count.refused += refused;
      count.accepted += accepted;
    }
  }
  for (const [name, { count, first }] of Object.entries(other.faults)) {
    (tally.faults[name] ??= { count: 0, first }).count += count;
  }
}

/** The attention of a batch and its model, some keys and rows changed and some of the rows read. */
export function makeScene(batch: number): Scene {
  const random = seeded(batch), settings = drawSettings(random);
  const model = drawModel(random, settings);
  const representation = pick(random, ["auto", "dense", "sparse"] as const);
  const a = attentionFor(model, { representation });
  for (let round = random.integer(4); round > 0; round--) {
    const { steps } = drawSteps(random, settings, model);
    perform(a, steps, random);
    const watched = [...model.queries.keys()];
    outputs(a, { ids: some(random, watched, 3) });
  }
  return { model, a, representation };
}

/** The constructor has as many mutations to itself as all other doors share. */
const DRAWN_DOORS: readonly string[] = [
  ...Object.keys(DOORS),
  ...new Array(4).fill("new CsrMatrix"),
];

/** Input `at` of a batch, for a scene. */
export function inputOf(batch: number, at: number, scene: Scene): Input {
  const random = seeded(
    Math.imul(batch, 0x9e3779b1) ^ Math.imul(at + 1, 0x85ebca6b),
  );
  const kind = random.integer(100);
  const distance: Distance = kind < 70
    ? "one"
    : kind < 88
    ? "several"
    : "noise";
  return drawInput(random, scene, pick(random, DRAWN_DOORS), distance);
}

/** Runs one batch. */
export function runBatch(
  batch: number,
  tally: Tally,
  progress: Progress = () => {},
): void {
  let scene = makeScene(batch);
  const before = dump(scene.a), known = digest(scene.a);
  const open: number[] = [];
  let clean = true;
  for (let at = 0; at < BATCH; at++) {
    const input = inputOf(batch, at, scene);
    if (input.outcomes.length > 0) {
      open.push(at);
      continue;
    }
    progress(at, nameOf(input));
    const verdict = timed(batch, at, judge(scene, input, known));
    note(tally, batch, at, input, verdict);
    if (verdict.fault !== undefined) scene = makeScene(batch), clean = false;
  }
  if (dump(scene.a) !== before) {
    findCulprit(batch, tally, before);
    scene = makeScene(batch);
    clean = false;
  }
  for (const at of open) {
    const input = inputOf(batch, at, scene);
    progress(at, nameOf(input));
    const verdict = timed(batch, at, judge(scene, input));
    note(tally, batch, at, input, verdict);
    if (verdict.fault !== undefined) scene = makeScene(batch), clean = false;
  }
  progress(BATCH, "a whole batch");
  // After a fault the scene has forgotten what was done before it.
  const fault = attentionDiffers(scene.a, scene.model) ??
    (!clean || stats(scene.a).writes === scene.model.writes
      ? undefined
      : `${stats(scene.a).writes} writes, not ${scene.model.writes}`);
  if (fault !== undefined) {
    noteFault(tally, "a whole batch", `batch ${batch}: ${fault}`);
  }
}

/** A slow call is timed once more: a busy machine is no fault of the call. */
function timed(batch: number, at: number, verdict: Verdict): Verdict {
  if (verdict.milliseconds <= MOST_MILLISECONDS) return verdict;
  const scene = makeScene(batch);
  const { milliseconds } = judge(scene, inputOf(batch, at, scene));
  return {
    ...verdict,
    milliseconds: Math.min(verdict.milliseconds, milliseconds),
  };
}

/** Looks for the input that changed something which is not seen at once. */
function findCulprit(batch: number, tally: Tally, before: string): void {
  const scene = makeScene(batch);
  for (let at = 0; at < BATCH; at++) {
    const input = inputOf(batch, at, scene);
    if (input.outcomes.length > 0) continue;
    judge(scene, input);
    if (dump(scene.a) !== before) {
      noteFault(
        tally,
        nameOf(input),
        `batch ${batch}, input ${at}: changed what is kept`,
      );
      return;
    }
  }
  noteFault(tally, "a whole batch", `batch ${batch}: changed what is kept`);
}

/** What an input is called in a failure. */
export function nameOf({ door, names }: Input): string {
  return `${door} (${names.join(" + ") || "right"})`;
}

/** Counts an input and what came of it. */
export function note(
  tally: Tally,
  batch: number,
  at: number,
  input: Input,
  { refused, fault, milliseconds, bytes }: Verdict,
): void {
  const { door, names } = input, noise = names.includes("noise");
  const part = refused ? "refused" : "accepted";
  tally[part]++;
  (tally.doors[door] ??= { refused: 0, accepted: 0 })[part]++;
  if (names.length === 1 || noise) {
    const name = noise ? "noise" : names[0];
    (tally.mutations[name] ??= { refused: 0, accepted: 0 })[part]++;
    if (refused && !noise) tally.oneStep++;
  }
  tally.slowest = Math.max(tally.slowest, milliseconds);
  tally.largest = Math.max(tally.largest, bytes);
  const place = `batch ${batch}, input ${at}`;
  if (fault !== undefined) {
    noteFault(tally, nameOf(input), `${place}: ${fault}`);
  }
  if (milliseconds > MOST_MILLISECONDS) {
    noteFault(tally, nameOf(input), `${place}: took ${milliseconds} ms`);
  }
  if (bytes > MOST_BYTES) {
    noteFault(tally, nameOf(input), `${place}: allocated ${bytes} bytes`);
  }
}

/** Counts something that is wrong. */
export function noteFault(tally: Tally, name: string, first: string): void {
  (tally.faults[name] ??= { count: 0, first }).count++;
}
