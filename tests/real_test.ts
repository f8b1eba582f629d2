import { assert, assertEquals, assertGreater } from "@std/assert";
import {
  append,
  type Attention,
  createAttention,
  edit,
  entry,
  errorBound,
  type Id,
  ids,
  outputs,
  remove,
  softmaxAttention,
  update,
  watch,
} from "../mod.ts";
import { readTensor } from "../examples/semantic_memory/memory_data.ts";
import { seeded } from "../src/random.ts";
import { readNpy } from "./npy.ts";
import { sameBits, within } from "./same.ts";

/** Half the distance from 1 to the next 32-bit number. */
const UNIT32 = 2 ** -24;
/** What tests/fixtures/real/README.md says of use-lite: the model computed in f32. */
const USE_LITE_ERROR = 1.647871415100255e-6;

for (const layer of [0, 1]) {
  Deno.test(`outputs() of layer ${layer} of a language model, token by token, are the recorded ones, whatever was changed and changed back`, () => {
    const [q, k, v, o] = read("stories260K", layer);
    const group = q.length / k.length;
    k.forEach((keys, keyHead) => {
      const heads = Array.from(
        { length: group },
        (_, member) => keyHead * group + member,
      );
      const stream = new Stream("causal", keys[0].length, undefined);
      const { attention } = stream;
      let decoy: Id | undefined;
      keys.forEach((key, token) => {
        append(attention, key, v[keyHead][token]);
        const queries = heads.map((head) => q[head][token]);
        const expected = heads.map((head) => o[head][token]);
        const watched = stream.watch(queries);
        if (token === 150) {
          stream.assertChangesLeaveNoTrace([0, 60, 149, 150], keyHead);
        }
        // For 40 tokens there is a key that does not belong, then it leaves.
        if (token === 200) {
          [decoy] = append(attention, key.map((x) => 2 * x), v[keyHead][0]);
        }
        if (decoy !== undefined && token > 200) {
          stream.assertDefinition(watched);
          if (token === 240) {
            const distorted = outputs(attention).data;
            remove(attention, decoy);
            decoy = undefined;
            assertGreater(largest(distorted, outputs(attention).data), 1e-6);
          }
        }
        if (decoy === undefined) {
          stream.assertRecorded(watched, expected, 0);
        }
      });
      const all = keys.flatMap((_, token) =>
        heads.map((head) => o[head][token])
      );
      stream.assertRecorded([...stream.positions.keys()], all, 0);
      stream.assertDefinition([...stream.positions.keys()]);
      stream.assertFreshTwin();
      remove(attention, [0, 77, 300]);
      stream.assertDefinition([...stream.positions.keys()]);
      stream.assertFreshTwin();
    });
  });
}

Deno.test("outputs() of a layer of a sentence encoder, token by token, are the recorded ones, whatever left and came back", () => {
  const [q, k, v, o] = read("use-lite", 0);
  k.forEach((keys, head) => {
    const stream = new Stream(undefined, keys[0].length, 1),
      random = seeded(head);
    const { attention } = stream, watched = stream.watch(q[head]);
    keys.forEach((key, token) => {
      append(attention, key, v[head][token]);
      if (token % 16 === 0) stream.assertDefinition(watched);
      if (token % 16 === 8) stream.assertDefinition([token]);
    });
    stream.assertRecorded(watched, o[head], USE_LITE_ERROR);
    const before = outputs(attention).data;
    stream.assertChangesLeaveNoTrace([5, 6, 100], head);
    // Keys leave and come back under other ids.
    for (let round = 0; round < 4; round++) {
      const gone = ids(attention).filter(() => random.integer(4) === 0);
      const kept = gone.map((id) => entry(attention, id));
      remove(attention, gone);
      stream.assertDefinition(watched);
      append(
        attention,
        kept.map(({ key }) => key),
        kept.map(({ value }) => value),
      );
      sameBits(outputs(attention).data, before, "changed back");
    }
    stream.assertFreshTwin();
    stream.assertRecorded(watched, o[head], USE_LITE_ERROR);
  });
});

Deno.test("outputs() of a memory of definitions, learnt and half forgotten and learnt again, are the defined ones at any scale", () => {
  const VALUE_DIM = 16, QUERIES = 32, BATCH = 16;
  const folder = new URL("../examples/semantic_memory/", import.meta.url);
  const file = Deno.readFileSync(new URL("wordnet.safetensors", folder));
  const rows = (name: string) => {
    const { rows, columns, numbers } = readTensor(file, name);
    return Array.from(
      { length: rows },
      (_, at) => numbers.slice(at * columns, (at + 1) * columns),
    );
  };
  const definitions = rows("keys"), words = rows("queries").slice(0, QUERIES);
  for (const scale of [10, 20, 40]) {
    const stream = new Stream(undefined, words[0].length, scale, VALUE_DIM);
    const { attention } = stream, watched = stream.watch(words);
    const learn = (known: Float32Array[]) =>
      append(attention, known, known.map((row) => row.slice(0, VALUE_DIM)));
    for (let at = 0; at < definitions.length; at += BATCH) {
      learn(definitions.slice(at, at + BATCH));
      stream.assertDefinition([at % QUERIES]);
    }
    stream.assertDefinition(watched);
    const before = outputs(attention).data;
    stream.assertChangesLeaveNoTrace([0, 255, 511], scale);
    const forgotten = ids(attention).filter((id) => id % 2 === 1);
    remove(attention, forgotten);
    stream.assertDefinition(watched);
    stream.assertFreshTwin();
    learn(forgotten.map((id) => definitions[id]));
    sameBits(outputs(attention).data, before, "learnt again");
  }
});

/** An attention under way, and where its queries stand. */
class Stream {
  readonly attention: Attention;
  /** The newest key each watched query sees. */
  readonly positions = new Map<Id, Id>();
  readonly queries: Float32Array[] = [];

  constructor(
    readonly mask: "causal" | undefined,
    readonly dim: number,
    scale: number | undefined,
    readonly valueDim = dim,
  ) {
    this.attention = createAttention({ dim, valueDim, mask, scale });
  }

  watch(queries: Float32Array[]): Id[] {
    const watched = watch(this.attention, queries);
    const newest = ids(this.attention).at(-1) ?? 0;
    for (const id of watched) this.positions.set(id, newest);
    this.queries.push(...queries);
    return watched;
  }

  /** Keys change in every way, outputs follow; keys change back, outputs are what they were to the bit. */
  assertChangesLeaveNoTrace(changed: Id[], seed: number): void {
    const { attention, dim, valueDim } = this, random = seeded(seed);
    const watched = [...this.positions.keys()];
    const before = outputs(attention).data;
    const kept = changed.map((id) => entry(attention, id));
    const rows = (length: number) =>
      changed.map(() =>
        Float32Array.from({ length }, () => 3 * random.normal())
      );
    update(attention, changed, { keys: rows(dim), values: rows(valueDim) });
    this.assertDefinition(watched);
    edit(attention, {
      keys: [[changed[0], 1, 0.75]],
      values: [[changed[1], 2, -5]],
    });
    update(attention, changed.slice(1), {
      bias: [-Infinity, 4].concat(new Array(changed.length - 3).fill(-2)),
    });
    this.assertDefinition(watched);
    this.assertFreshTwin();
    assertGreater(largest(before, outputs(attention).data), 1e-3);
    update(attention, changed, {
      keys: kept.map(({ key }) => key),
      values: kept.map(({ value }) => value),
      bias: kept.map(({ bias }) => bias),
    });
    sameBits(outputs(attention).data, before, "changed back");
  }

  /** Outputs are the recorded 32-bit ones, which are off by half a unit of the last place and `error`. */
  assertRecorded(watched: Id[], recorded: Float32Array[], error: number): void {
    const bounds = new Float64Array(watched.length);
    const ours = outputs(this.attention, { ids: watched, bounds });
    const flat = recorded.flatMap((row) => [...row]);
    within(
      ours.data,
      flat,
      (row) => {
        const size = recorded[row].reduce(
          (a, x) => Math.max(a, Math.abs(x)),
          0,
        );
        return error + UNIT32 * size + bounds[row];
      },
      this.valueDim,
      `queries ${watched} as recorded`,
    );
  }

  /** Outputs are within their bounds of the definition over what is stored. */
  assertDefinition(watched: Id[]): void {
    const { attention } = this, live = ids(attention);
    const stored = live.map((id) => entry(attention, id));
    const bounds = new Float64Array(watched.length);
    const ours = outputs(attention, { ids: watched, bounds });
    const truth = softmaxAttention(
      watched.map((id) => this.queries[id]),
      stored.map(({ key }) => key),
      stored.map(({ value }) => value),
      {
        scale: attention.scale,
        bias: stored.map(({ bias }) => bias),
        mask: (i, j) =>
          this.mask === undefined ||
          live[j] <= this.positions.get(watched[i])!,
      },
    );
    within(
      ours.data,
      truth.data,
      (row) => bounds[row],
      this.valueDim,
      `queries ${watched} as defined`,
    );
    assert(Math.max(...bounds) <= errorBound(attention, watched).total);
  }

  /** A fresh attention over what is stored gives the same bits. */
  assertFreshTwin(): void {
    const { attention, mask, dim, valueDim } = this, { scale } = attention;
    const twin = createAttention({ dim, valueDim, mask, scale });
    const live = ids(attention);
    for (let at = 0; at < live.length; at += 37) {
      const some = live.slice(at, at + 37);
      const stored = some.map((id) => entry(attention, id));
      append(
        twin,
        stored.map(({ key }) => key),
        stored.map(({ value }) => value),
        { ids: some, bias: stored.map(({ bias }) => bias) },
      );
    }
    const position = mask === undefined ? {} : {
      position: [...this.positions.values()],
    };
    watch(twin, this.queries, position);
    sameBits(outputs(attention).data, outputs(twin).data, "a fresh one");
  }
}

/** Queries, keys, values and outputs of a layer: [head][token], each a row. */
function read(model: string, layer: number): Float32Array[][][] {
  return ["q", "k", "v", "o"].map((name) => {
    const file = `./fixtures/real/${model}/l${layer}_${name}.npy`;
    const { data, shape: [heads, tokens, dim] } = readNpy(
      Deno.readFileSync(new URL(file, import.meta.url)),
    );
    assertEquals(data.length, heads * tokens * dim);
    return Array.from(
      { length: heads },
      (_, head) =>
        Array.from({ length: tokens }, (_, token) => {
          const at = (head * tokens + token) * dim;
          return Float32Array.from(data.subarray(at, at + dim));
        }),
    );
  });
}

/** The largest difference. */
function largest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let worst = 0;
  for (let at = 0; at < b.length; at++) {
    worst = Math.max(worst, Math.abs(a[at] - b[at]));
  }
  return worst;
}
