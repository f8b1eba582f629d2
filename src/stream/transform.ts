/**
 * Web streams of changes or samples in, of answers out.
 *
 * A chunk is carried out and answered when whoever reads asks for it: a reader that is slow holds the writer back.
 *
 * @module
 */

import { type Attention, openAttention } from "../attention.ts";
import { apply } from "../change.ts";
import { checkOptions, type Id, isIterable, show } from "../check.ts";
import type { DenseMatrix } from "../matrix/dense.ts";
import type { Change } from "../memory/change.ts";
import { outputs } from "../read.ts";
import { type ContinualAttention, isContinual, step } from "./continual.ts";
import type { Sample } from "./sample.ts";

/** Options of {@linkcode stream}. */
export interface StreamOptions<Answer> {
  /**
   * What comes out for a chunk; {@linkcode outputs} of all watched queries if left out, and nothing where it returns
   * undefined. It is not awaited. `concerned` are the ids of each change of the chunk, as {@linkcode apply} returns them.
   */
  read?: (attention: Attention, concerned: Id[][]) => Answer;
}

/**
 * Makes a `TransformStream` that steps through samples: one chunk, one {@linkcode step}, one matrix of outputs.
 *
 * Nothing is done ahead of the reader. A sample that is refused has changed nothing, and its error ends the stream on both
 * sides; the window can go on in another one. Costs what the steps cost.
 *
 * @example From samples to outputs
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { continualAttention, type Sample, stream } from "@reattend/reattend/streams";
 *
 * const samples = new ReadableStream<Sample>({
 *   start(controller) {
 *     for (const value of [4, 8]) controller.enqueue({ query: [0], key: [0], value: [value] });
 *     controller.close();
 *   },
 * });
 * const rows: number[] = [];
 * for await (const output of samples.pipeThrough(stream(continualAttention({ window: 2, dim: 1 })))) {
 *   rows.push(output.get(0, 0));
 * }
 * assertEquals(rows, [4, 6]);
 * ```
 */
export function stream(
  continual: ContinualAttention,
): TransformStream<Sample | null, DenseMatrix>;
/**
 * Makes a `TransformStream` that carries out changes: one chunk, one {@linkcode apply}, one answer.
 *
 * A chunk is a change or a list of them, done all or none. A chunk that is refused has changed nothing; its error ends
 * the stream on both sides, and the attention can go on in another stream. If `read` throws, the stream ends as well,
 * and the chunk is done. A window over a stream is the attention's `capacity`.
 *
 * Nothing is done ahead of the reader: until it asks, a chunk waits and so does the writer, with no more than one
 * chunk in store. The attention stays free for all verbs meanwhile. Costs what `apply` and `read` cost. Errors: a
 * `TypeError` for what is no attention, and for an option that is not known.
 *
 * It needs the Web Streams of the platform, on Cloudflare Workers those of a compatibility date from 2022-11-30 on:
 * before, a `TransformStream` took no notice of what it was given.
 *
 * @example A window of two keys, and what a query makes of it
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { type Change, createAttention } from "@reattend/reattend";
 * import { stream } from "@reattend/reattend/streams";
 *
 * const attention = createAttention({ queries: [[0]], valueDim: 1, capacity: 2 });
 * const { readable, writable } = stream(attention);
 * const writer = writable.getWriter(), reader = readable.getReader();
 * for (const value of [2, 4, 6]) {
 *   const change: Change = { verb: "append", keys: [[1]], values: [[value]] };
 *   writer.write(change);
 * }
 * assertEquals((await reader.read()).value?.to2DArray(), [[2]]);
 * assertEquals((await reader.read()).value?.to2DArray(), [[3]]);
 * assertEquals((await reader.read()).value?.to2DArray(), [[5]]);
 * await writer.close();
 * ```
 */
export function stream<Answer = DenseMatrix>(
  attention: Attention,
  options?: StreamOptions<Answer>,
): TransformStream<Change | Iterable<Change>, Exclude<Answer, undefined>>;
export function stream(
  a: Attention | ContinualAttention,
  options: StreamOptions<unknown> = {},
): TransformStream<unknown, unknown> {
  const verb = "stream";
  if (isContinual(a)) {
    openAttention(verb, a.attention);
    checkOptions(verb, options, []);
    return answering((sample) => step(a, sample as Sample | null));
  }
  openAttention(verb, a);
  checkOptions(verb, options, ["read"]);
  const { read = (attention: Attention) => outputs(attention) } = options;
  if (typeof read !== "function") {
    throw new TypeError(
      `Cannot ${verb}: read is ${show(read)}, it should be a function`,
    );
  }
  return answering((chunk) =>
    read(
      a,
      apply(
        a,
        isIterable(chunk) ? chunk as Iterable<Change> : [chunk as Change],
      ),
    )
  );
}

/** A stream of answers; an error of `answer` is that of the stream. */
function answering(
  answer: (chunk: unknown) => unknown,
): TransformStream<unknown, unknown> {
  return new TransformStream({
    transform(chunk, controller) {
      const answered = answer(chunk);
      if (answered !== undefined) controller.enqueue(answered);
    },
  });
}
