/**
 * Web streams: answers in order, errors that end a stream and nothing else, readers that hold writers back.
 *
 * @module
 */

import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import {
  append,
  type Attention,
  type Change,
  createAttention,
  ids,
  outputs,
  stats,
  topKeys,
} from "../../mod.ts";
import { seeded } from "../../src/random.ts";
import {
  continualAttention,
  type Sample,
  step,
  stream,
} from "../../src/stream/mod.ts";
import { anything, refuses } from "../refusals.ts";
import { drawSample } from "./plain.ts";

/** A stream of chunks, and how many of them were asked for. */
function source<Chunk>(
  chunks: Iterable<Chunk>,
): { readable: ReadableStream<Chunk>; asked: () => number } {
  const iterator = chunks[Symbol.iterator]();
  let asked = 0;
  const readable = new ReadableStream<Chunk>({
    pull(controller) {
      const { done, value } = iterator.next();
      if (done) return controller.close();
      asked++;
      controller.enqueue(value);
    },
  }, { highWaterMark: 0 });
  return { readable, asked: () => asked };
}

async function all<Chunk>(readable: ReadableStream<Chunk>): Promise<Chunk[]> {
  const chunks: Chunk[] = [];
  for await (const chunk of readable) chunks.push(chunk);
  return chunks;
}

/** Lets everything happen that needs no one. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

const value = (x: number): Change => ({
  verb: "append",
  keys: [[0]],
  values: [[x]],
});
const standing = () =>
  createAttention({ queries: [[1]], valueDim: 1, capacity: 3 });

Deno.test("stream() of no chunks gives none", async () => {
  const { readable } = source<Change>([]);
  assertEquals(await all(readable.pipeThrough(stream(standing()))), []);
});

Deno.test("stream() of an attention takes lists that are empty, and answers them too", async () => {
  const { readable } = source<Change[]>([[], [value(2), value(4)], []]);
  const answers = await all(readable.pipeThrough(stream(standing())));
  assertEquals(answers.map((answer) => answer.to2DArray()), [
    [[0]],
    [[3]],
    [[3]],
  ]);
});

Deno.test("stream() refuses what is no attention, and options that are wrong", () => {
  refuses(
    () => stream(anything({})),
    TypeError,
    "Cannot stream: attention is an object, it should be made by createAttention or restore",
  );
  refuses(
    () => stream(standing(), anything({ ids: 0 })),
    TypeError,
    'Cannot stream: unknown option "ids", it should be one of read',
  );
  refuses(
    () => stream(standing(), anything({ read: 0 })),
    TypeError,
    "Cannot stream: read is 0, it should be a function",
  );
  refuses(
    () =>
      (stream as (...given: unknown[]) => unknown)(
        continualAttention({ window: 1, dim: 1 }),
        { read: outputs },
      ),
    TypeError,
    'Cannot stream: unknown option "read", there should be none',
  );
});

Deno.test("stream() of an attention slides a window of its capacity", async () => {
  const attention = standing();
  const { readable } = source([1, 2, 3, 4, 5].map(value));
  const answers = await all(readable.pipeThrough(stream(attention)));
  assertEquals(
    answers.map((answer) => answer.get(0, 0)),
    [1, 1.5, 2, 3, 4],
  );
  assertEquals(ids(attention), [2, 3, 4]);
});

Deno.test("stream() of an attention answers each chunk as `read` does, and not where it returns undefined", async () => {
  const attention = standing(), seen: number[][][] = [];
  const { readable } = source([
    value(1),
    [value(7), { verb: "watch", queries: [[2]] } as const],
    { verb: "remove", ids: 0 } as const,
  ]);
  const answers = await all(readable.pipeThrough(stream(attention, {
    read(a: Attention, concerned) {
      seen.push(concerned);
      if (concerned.length > 1) return;
      const [{ keys }] = topKeys(a, { ids: 0 }, 1);
      return keys[0];
    },
  })));
  assertEquals(answers, [0, 1]);
  assertEquals(seen, [[[0]], [[1], [1]], [[0]]]);
});

Deno.test("stream() of a continual attention gives the steps of its samples", async () => {
  for (const outputs of ["newest", "all"] as const) {
    const random = seeded(4);
    const options = { window: 5, dim: 3, outputs, missing: "mask" } as const;
    const samples = Array.from(
      { length: 40 },
      () => drawSample(random, options, 2, 0.2),
    );
    const twin = continualAttention(options);
    const { readable } = source(samples);
    const answers = await all(
      readable.pipeThrough(stream(continualAttention(options))),
    );
    assertEquals(
      answers.map((answer) => answer.to2DArray()),
      samples.map((sample) => step(twin, sample).to2DArray()),
    );
  }
});

Deno.test("stream() ends with the error of a chunk that is refused, which has changed nothing", async () => {
  const attention = standing();
  const { readable, writable } = stream(attention);
  const writer = writable.getWriter(), reader = readable.getReader();
  const good = writer.write(value(6));
  assertEquals((await reader.read()).value?.get(0, 0), 6);
  await good;
  const bad = writer.write([value(8), value(NaN)]);
  bad.catch(() => {});
  const message =
    "Cannot append: values[0][0] is NaN, it should be finite as a 32-bit float";
  const error = await assertRejects(() => reader.read(), RangeError, message);
  assertStrictEquals(await bad.catch((reason) => reason), error);
  assertStrictEquals(
    await writer.write(value(9)).catch((reason) => reason),
    error,
  );
  assertStrictEquals(await writer.closed.catch((reason) => reason), error);
  assertEquals(outputs(attention).to2DArray(), [[6]]);
  assertEquals(stats(attention).writes, 1);
  // The attention is none the worse, and goes on in another stream.
  const { readable: next } = source([value(8)]);
  const [answer] = await all(next.pipeThrough(stream(attention)));
  assertEquals(answer.to2DArray(), [[7]]);
});

Deno.test("stream() ends with what `read` throws, and the chunk is done", async () => {
  const attention = standing();
  const { readable } = source([value(1)]);
  const answers = readable.pipeThrough(stream(attention, {
    read(): number {
      throw new Error("no answer");
    },
  }));
  await assertRejects(() => all(answers), Error, "no answer");
  assertEquals(attention.size, 1);
});

Deno.test("stream() of a continual attention ends with a sample that is refused", async () => {
  const continual = continualAttention({ window: 2, dim: 1 });
  const { readable } = source<Sample | null>([
    { query: [1], key: [1], value: [1] },
    null,
  ]);
  await assertRejects(
    () => all(readable.pipeThrough(stream(continual))),
    TypeError,
    'Cannot step: query is null, it should be numbers unless missing is "mask"',
  );
  assertEquals(continual.steps, 1);
});

Deno.test("stream() does nothing ahead of its reader, and holds the writer back", async () => {
  const attention = standing();
  function* endless(): Generator<Change> {
    for (let x = 0;; x++) yield value(x);
  }
  const { readable, asked } = source(endless());
  const answers = readable.pipeThrough(stream(attention)).getReader();
  await settle();
  assertEquals(attention.size, 0);
  // One chunk waits in the stream.
  assertEquals(asked(), 1);
  for (let read = 1; read <= 4; read++) {
    await answers.read();
    await settle();
    const done = attention.size + stats(attention).evicted;
    assertEquals([done, asked()], [read, read + 1]);
  }
  await answers.cancel();
});

Deno.test("stream() leaves the attention free for other verbs between chunks", async () => {
  const attention = standing();
  const { readable, writable } = stream(attention);
  const writer = writable.getWriter(), reader = readable.getReader();
  append(attention, [0], [10]);
  const written = writer.write(value(20));
  assertEquals((await reader.read()).value?.get(0, 0), 15);
  await written;
  attention[Symbol.dispose]();
  const late = writer.write(value(30));
  late.catch(() => {});
  await assertRejects(
    () => reader.read(),
    TypeError,
    "Cannot apply: the attention is disposed, it should be in use",
  );
});
