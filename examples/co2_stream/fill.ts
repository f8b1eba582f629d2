/**
 * The stream: weeks go in one by one, and every missing one comes out as a forecast, in its turn.
 *
 * @module
 */

import {
  append,
  attend,
  createAttention,
  errorBound,
  measureError,
  stats,
} from "@reattend/reattend";
import { type Sample, stream } from "@reattend/reattend/streams";
import {
  DECAY,
  makeForecaster,
  type Step,
  stepsOf,
  WINDOW,
} from "./forecast.ts";
import type { Week } from "./weeks.ts";

/** A forecast of a missing week. */
export interface Forecast {
  /** Index of the week. */
  at: number;
  /** What is forecast, in ppm. */
  ppm: number;
  /** Whether an attention that holds the known weeks of the window alone gives the same bits. */
  unspoilt: boolean;
  /** How far the output is from the definition, and how far it may be. */
  error: number;
  bound: number;
}

/** Forecasts of all missing weeks, and the multiply-adds of every step. */
export async function fill(
  weeks: readonly Week[],
): Promise<{ forecasts: Forecast[]; work: number[] }> {
  const steps = stepsOf(weeks), forecaster = makeForecaster();
  const samples = new ReadableStream<Sample>({
    start(controller) {
      for (const { sample } of steps) controller.enqueue(sample);
      controller.close();
    },
  });
  const forecasts: Forecast[] = [], work: number[] = [];
  let at = 0, before = 0;
  for await (const output of samples.pipeThrough(stream(forecaster))) {
    work.push(stats(forecaster.attention).multiplyAdds - before);
    if (weeks[at].ppm === undefined) {
      const answer = output.get(0, 0);
      forecasts.push({
        at,
        ppm: steps[at].level + answer,
        unspoilt: afresh(steps, at) === answer,
        error: measureError(forecaster.attention),
        bound: errorBound(forecaster.attention).total,
      });
    }
    // What was measured was no part of the step.
    before = stats(forecaster.attention).multiplyAdds;
    at++;
  }
  return { forecasts, work };
}

/** The answer of an attention made for it, over the known weeks of the window and nothing else. */
function afresh(steps: readonly Step[], at: number): number {
  const attention = createAttention({ dim: 2, valueDim: 1, scale: 1 });
  for (let then = Math.max(0, at - WINDOW + 1); then < at; then++) {
    const { key, value } = steps[then].sample;
    if (value === null || Number.isNaN(value[0])) continue;
    append(attention, key!, value, { bias: DECAY * then });
  }
  return attend(attention, steps[at].sample.query!).get(0, 0);
}
