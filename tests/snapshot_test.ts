import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  append,
  attend,
  type Attention,
  createAttention,
  CsrMatrix,
  entry,
  ids,
  outputs,
  remove,
  restore,
  type RestoreOptions,
  snapshot,
  stats,
  unwatch,
  update,
  watch,
} from "@reattend/reattend";
import { anything } from "./refusals.ts";
import { seal } from "../src/file/checksum.ts";
import {
  type NamedTensor,
  readSafetensors,
  writeSafetensors,
} from "../src/file/safetensors.ts";
import { seeded } from "../src/random.ts";

const even = (query: number, key: number) => (query + key) % 2 === 0;

/** One attention of each kind of mask, with a past: ids with holes, reused slots, masked keys, a moved query. */
function veterans(seed: number): [Attention, RestoreOptions][] {
  const random = seeded(seed);
  const rows = (count: number, width: number) =>
    Array.from(
      { length: count },
      () => Array.from({ length: width }, () => random.normal()),
    );
  const pattern = CsrMatrix.fromTriples(
    4,
    12,
    [[0, 1, 1], [0, 9, 1], [1, 2, 1], [2, 0, 1], [2, 4, 1], [2, 11, 1]],
  );
  return ([undefined, "causal", even, pattern] as const).map((mask) => {
    const attention = createAttention({
      queries: rows(4, 3),
      keys: rows(8, 3),
      values: rows(8, 2),
      scale: 0.1 + random.uniform(),
      capacity: 10,
      logBytes: 1000,
      mask,
    });
    outputs(attention);
    remove(attention, [1, 3]);
    append(attention, rows(5, 3), rows(5, 2), {
      ids: [9, 11, 12, 13, 20],
      bias: [1, -Infinity, 1e300, -2.5, 0],
    });
    update(attention, 12, { bias: 0.125 });
    unwatch(attention, 1);
    watch(attention, rows(1, 3), { ids: 2 });
    return [attention, typeof mask === "function" ? { mask } : {}];
  });
}

Deno.test("snapshot() of an empty attention is restored as an empty one", () => {
  for (
    const options of [{ dim: 0 }, { dim: 3 }, { dim: 2, valueDim: 0 }, {
      queries: [[1, 2]],
    }]
  ) {
    const attention = createAttention(options),
      back = restore(snapshot(attention));
    assertEquals([back.dim, back.valueDim, back.size, back.watched], [
      attention.dim,
      attention.valueDim,
      0,
      attention.watched,
    ]);
    assertEquals(outputs(back).data, outputs(attention).data);
  }
});

Deno.test("restore() gives an attention whose every later output has the same bits", () => {
  for (let seed = 0; seed < 20; seed++) {
    for (const [attention, options] of veterans(seed)) {
      const twin = restore(snapshot(attention), options);
      const same = () => {
        assertEquals(ids(twin), ids(attention));
        const a = outputs(attention).data, b = outputs(twin).data;
        for (let i = 0; i < a.length; i++) {
          assert(
            Object.is(a[i], b[i]),
            `seed ${seed}, component ${i}: ${a[i]} and ${b[i]}`,
          );
        }
      };
      same();
      for (const id of ids(attention)) {
        assertEquals(entry(twin, id), entry(attention, id));
      }
      for (const each of [attention, twin]) {
        // The capacity and the next ids are as they were.
        assertEquals(append(each, [[1, 2, 3], [3, 2, 1]], [[1, 0], [0, 1]]), [
          21,
          22,
        ]);
        assertEquals(watch(each, [1, 1, 1]), [4]);
        update(each, 21, { values: [5, 5] });
      }
      same();
      assertEquals(
        attend(twin, [[1, 2, 3]], { filter: even }).data,
        attend(attention, [[1, 2, 3]], { filter: even }).data,
      );
      assertEquals(twin.scale, attention.scale);
      assertEquals(stats(twin).kernel, stats(attention).kernel);
    }
  }
});

Deno.test("snapshot() of what restore() made is the same bytes", () => {
  for (const [attention, options] of veterans(3)) {
    const bytes = snapshot(attention);
    assertEquals(snapshot(restore(bytes, options)), bytes);
  }
});

Deno.test("snapshot() keeps ids that were given and are gone", () => {
  const attention = createAttention({
    queries: [[1]],
    keys: [[1], [2]],
    values: [[1], [2]],
  });
  remove(attention, [0, 1]);
  unwatch(attention, 0);
  const twin = restore(snapshot(attention));
  assertEquals(append(twin, [3], [3]), [2]);
  assertEquals(watch(twin, [3]), [1]);
});

Deno.test("snapshot() is a safetensors file", () => {
  // Taken apart here by the format's own description: 8 bytes of length, a JSON header, the data.
  const [[,], [causal]] = veterans(1);
  const bytes = snapshot(causal), view = new DataView(bytes.buffer);
  const length = Number(view.getBigUint64(0, true));
  const header = JSON.parse(
    new TextDecoder().decode(bytes.subarray(8, 8 + length)),
  );
  assertEquals(length % 8, 0);
  assertEquals(Object.keys(header), [
    "__metadata__",
    "keys",
    "values",
    "biases",
    "key_ids",
    "queries",
    "query_ids",
    "positions",
  ]);
  let end = 0;
  const sizes: Record<string, number> = { F32: 4, F64: 8, I64: 8 };
  for (const [name, tensor] of Object.entries(header)) {
    if (name === "__metadata__") {
      assert(
        Object.values(tensor as object).every((text) =>
          typeof text === "string"
        ),
      );
      continue;
    }
    const { dtype, shape, data_offsets: [from, to] } = tensor as {
      dtype: string;
      shape: number[];
      data_offsets: [number, number];
    };
    assertEquals(from, end);
    assertEquals(to - from, shape.reduce((a, b) => a * b, 1) * sizes[dtype]);
    end = to;
  }
  assertEquals(8 + length + end, bytes.length);
  const first = entry(causal, ids(causal)[0]);
  assertEquals(
    view.getFloat32(8 + length + header.keys.data_offsets[0], true),
    first.key[0],
  );
});

Deno.test("restore() refuses bytes with any bit altered, cut off or added", () => {
  for (const [attention, options] of veterans(5)) {
    const bytes = snapshot(attention);
    const refused = (altered: Uint8Array, what: string) => {
      const error = assertThrows(
        () => restore(altered, options),
        RangeError,
        "",
        what,
      );
      assertMatch(error.message, /^Cannot restore: [^\n]+, [^\n]+$/);
    };
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const altered = bytes.slice();
      altered[bit >> 3] ^= 1 << (bit & 7);
      refused(altered, `bit ${bit}`);
    }
    for (let length = 0; length < bytes.length; length++) {
      refused(bytes.slice(0, length), `length ${length}`);
    }
    refused(Uint8Array.of(...bytes, 0), "a byte too many");
    const swapped = bytes.slice();
    swapped.set(bytes.subarray(bytes.length - 8), bytes.length - 16);
    swapped.set(
      bytes.subarray(bytes.length - 16, bytes.length - 8),
      bytes.length - 8,
    );
    if (swapped.some((byte, at) => byte !== bytes[at])) {
      refused(swapped, "two words swapped");
    }
  }
});

Deno.test("restore() refuses random bytes and huge headers without allocating for them", () => {
  const random = seeded(1);
  for (let i = 0; i < 2000; i++) {
    const bytes = Uint8Array.from(
      { length: random.integer(200) },
      () => random.integer(256),
    );
    if (random.integer(2) === 0) bytes.fill(0, 1, 8);
    assertThrows(() => restore(bytes), RangeError, "Cannot restore: ");
  }
  const huge = new Uint8Array(64);
  new DataView(huge.buffer).setBigUint64(0, 2n ** 62n, true);
  assertThrows(
    () => restore(huge),
    RangeError,
    "Cannot restore: the header has 4611686018427387904 bytes, it should have at most 56",
  );
});

Deno.test("restore() checks sealed files like everything else that comes in", () => {
  const [attention] = veterans(2)[3],
    good = readSafetensors("test", snapshot(attention));
  const forge = (
    tensors: Partial<Record<string, Partial<NamedTensor> | null>>,
    metadata: Record<string, string> = {},
  ) =>
    seal(writeSafetensors(
      [...good.tensors.values()].flatMap((tensor) => {
        const change = tensors[tensor.name];
        return change === null ? [] : [{ ...tensor, ...change }];
      }),
      { ...good.metadata, checksum: "0".repeat(16), ...metadata },
    ));
  assertEquals(ids(restore(forge({}))), ids(attention));
  const nan = good.tensors.get("keys")!.data.slice() as Float32Array;
  nan[4] = NaN;
  const backwards = (good.tensors.get("key_ids")!.data as BigInt64Array).slice()
    .reverse();
  const [edges, ends] = ["edge_keys", "edge_ends"].map((name) =>
    (good.tensors.get(name)!.data as BigInt64Array).slice()
  );
  // The first query with two edges has the same one twice.
  const starts = [0n, ...ends];
  const twice = Number(
    starts.find((start, at) => starts[at + 1] - start > 1n),
  );
  edges[twice + 1] = edges[twice];
  const cases: [Uint8Array, string][] = [
    [forge({}, { format: "else" }), 'the file is "else"'],
    [forge({}, { version: "2" }), "it should be a snapshot of version 1"],
    [forge({}, { kernel: "reattend-0" }), 'the kernel is "reattend-0"'],
    [forge({}, { scale: "NaN" }), "scale is NaN"],
    [forge({}, { capacity: "3" }), "there should be at most 3"],
    [forge({}, { capacity: "-1" }), "capacity is -1"],
    [forge({}, { next_key: "4294967297" }), "next_key is 4294967297"],
    [forge({}, { mask: "none" }), 'the mask is "none"'],
    [forge({ keys: { data: nan } }), "keys[1][1] is NaN"],
    [forge({ keys: null }), 'tensor "keys" is missing'],
    [forge({ keys: { shape: [30] } }), 'tensor "keys" is missing or misshapen'],
    [forge({ key_ids: { data: backwards } }), "ids should ascend"],
    [forge({ edge_keys: { data: edges } }), "out of order"],
    [forge({ edge_ends: { data: ends.reverse() } }), "out of order"],
    [forge({}, { dim: "4" }), 'tensor "keys" is misshapen'],
    [forge({}, { representation: "csr" }), 'the representation is "csr"'],
    [
      forge({ query_ids: { shape: [1], data: new BigInt64Array(1) } }),
      "there is 1 id",
    ],
    [
      forge({
        key_ids: { dtype: "F64", data: new Float64Array(edges.length) },
      }),
      "it should",
    ],
  ];
  for (const [bytes, message] of cases) {
    assertStringIncludes(
      assertThrows(() => restore(bytes), RangeError).message,
      message,
    );
  }
});

Deno.test("restore() takes files that name neither widths nor representation nor method", () => {
  for (const [attention] of veterans(3).filter((_, at) => at !== 2)) {
    const { tensors, metadata } = readSafetensors("test", snapshot(attention));
    const {
      dim: _dim,
      value_dim: _valueDim,
      representation: _representation,
      method: _method,
      ...before
    } = metadata;
    const bytes = seal(writeSafetensors([...tensors.values()], {
      ...before,
      checksum: "0".repeat(16),
    }));
    assertEquals(outputs(restore(bytes)).data, outputs(attention).data);
  }
});

Deno.test("restore() asks for the predicate it cannot store, and takes no other mask", () => {
  const [[all], , [predicate]] = veterans(7);
  assertThrows(
    () => restore(snapshot(predicate)),
    TypeError,
    "Cannot restore: the mask was a function, which should be given as mask",
  );
  assertThrows(
    () => restore(snapshot(all), { mask: even }),
    TypeError,
    'Cannot restore: a mask is given, the mask of the snapshot should stay "all"',
  );
  assertThrows(
    () => restore(snapshot(all), { representation: anything(null) }),
    TypeError,
    'Cannot create an attention: representation is null, it should be "auto" or "dense" or "sparse"',
  );
  assertThrows(
    () => restore("bytes" as unknown as Uint8Array),
    TypeError,
    'Cannot restore: bytes is "bytes", it should be a Uint8Array',
  );
});
