import {
  makeSpread,
  reserveSpread,
  spreadEntries,
} from "../../src/kernel/spread.ts";
import { entriesOf } from "../../src/kernel/table.ts";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { DENSE } from "../../src/kernel/table.ts";
import {
  clearRow,
  copyRow,
  growStore,
  makeStore,
  moveRow,
  nonZerosOf,
  numberAt,
  reserveStore,
  setRow,
  type Store,
  storeBytes,
  unpackRow,
  viewRow,
} from "../../src/matrix/store.ts";
import type { Random } from "../../src/random.ts";
import type { Row } from "../../src/rows.ts";
import { checkStore } from "../memory/invariants.ts";
import { sameBits } from "../same.ts";
import { forSeeds, normals, pick } from "../scripts.ts";
import { thin } from "../sparse.ts";

/** The entries of a row, behind others in their arrays. */
function entriesFor(row: ArrayLike<number>, before = 3): Row {
  const columns: number[] = new Array(before).fill(0);
  const numbers: number[] = new Array(before).fill(9);
  let evens = 0;
  for (const lane of [0, 1]) {
    for (let t = lane; t < row.length; t += 2) {
      if (row[t] === 0) continue;
      columns.push(t);
      numbers.push(row[t]);
      if (lane === 0) evens++;
    }
  }
  return {
    columns: Uint32Array.from(columns),
    numbers: Float32Array.from(numbers),
    start: before,
    evens,
    count: columns.length - before,
  };
}

function drawRow(random: Random, width: number): Float32Array {
  return Float32Array.from(thin(random, normals(random, width, 1)));
}

/** Sets a row in one of the two forms that rows come in. */
function put(store: Store, row: number, given: Row, dense: boolean): void {
  setRow(store, row, given, nonZerosOf(given), dense);
}

/** Every way of reading gives the numbers of the model. */
function checkRows(store: Store, model: readonly Float32Array[]): void {
  model.forEach((numbers, row) => {
    const { width } = store, expected = numbers.map((x) => x + 0);
    const floats = new Float32Array(width + 2),
      doubles = new Float64Array(width);
    unpackRow(store, row, floats, 1);
    unpackRow(store, row, doubles, 0);
    sameBits(floats, [0, ...expected, 0], `row ${row}`);
    sameBits(doubles, expected, `row ${row} in 64 bits`);
    for (let t = 0; t < width; t++) {
      assert(
        Object.is(numberAt(store, row, t), expected[t]),
        `row ${row}, column ${t}: ${numberAt(store, row, t)}`,
      );
    }
    const view = viewRow(store, row);
    assertEquals(view instanceof Float32Array, store.evens[row] === DENSE);
    if (view instanceof Float32Array) sameBits(view, expected, "a view");
    else {
      const listed = entriesFor(expected, 0) as typeof view;
      assertEquals([view.evens, view.count], [listed.evens, listed.count]);
      const end = view.start + view.count;
      assertEquals(view.columns.slice(view.start, end), listed.columns);
      sameBits(view.numbers.slice(view.start, end), listed.numbers, "entries");
    }
    assertEquals(nonZerosOf(view), store.count[row], "non-zeros");
  });
}

Deno.test("a table of no rows, and rows of no width", () => {
  const store = makeStore(0);
  assertEquals(storeBytes(store), 0);
  growStore(store, 3);
  for (const dense of [true, false]) {
    for (const row of [0, 1, 2]) put(store, row, new Float32Array(0), dense);
    checkStore(store, 3);
    checkRows(store, [0, 1, 2].map(() => new Float32Array(0)));
  }
  put(store, 1, entriesFor([]), true);
  clearRow(store, 1);
  checkStore(store, 3);
  assertEquals(store.dense.length, 0);
});

Deno.test("−0 is stored as 0 and is no entry", () => {
  const store = makeStore(4);
  growStore(store, 2);
  put(store, 0, Float32Array.of(-0, 1, -0, 0), true);
  put(store, 1, Float32Array.of(-0, 1, -0, 0), false);
  checkStore(store, 2);
  assertEquals([...store.count], [1, 1]);
  for (const row of [0, 1]) {
    for (const t of [0, 2]) assert(Object.is(numberAt(store, row, t), 0));
  }
});

Deno.test("a row without zeros is stored as it is, one with a single −0 is not", () => {
  const numbers = Float32Array.of(1, -2, 2 ** -149, -3);
  const store = makeStore(4);
  growStore(store, 4);
  put(store, 0, numbers, true);
  checkRows(store, [numbers, ...[1, 2, 3].map(() => new Float32Array(4))]);
  for (let t = 0; t < 4; t++) {
    put(store, 1, numbers.with(t, -0), true);
    assert(Object.is(numberAt(store, 1, t), 0));
    checkStore(store, 2);
  }
});

Deno.test("rows set, copied, moved and cleared in any order read back as they were given", () => {
  forSeeds(60, (_, random, at) => {
    const width = pick(random, [0, 1, 2, 3, 5, 16, 33]);
    const rows = 1 + random.integer(12);
    const store = makeStore(width), other = makeStore(width);
    for (const table of [store, other]) growStore(table, rows);
    const empty = () =>
      Array.from({ length: rows }, () => new Float32Array(width));
    const model: Float32Array[] = empty(), copies: Float32Array[] = empty();
    for (let step = 1; step <= 120; step++) {
      at(step);
      const row = random.integer(rows), to = random.integer(rows);
      switch (random.integer(7)) {
        case 0:
          clearRow(store, row);
          model[row] = new Float32Array(width);
          break;
        case 1:
          if (row === to) break;
          clearRow(store, to);
          moveRow(store, row, to);
          [model[to], model[row]] = [model[row], new Float32Array(width)];
          break;
        case 2:
          copyRow(store, row, other, to);
          copies[to] = model[row];
          assertEquals(other.evens[to], store.evens[row], "stored alike");
          break;
        case 3:
          growStore(store, model.push(new Float32Array(width)));
          growStore(other, copies.push(new Float32Array(width)));
          break;
        default: {
          const given = drawRow(random, width);
          const form = random.integer(2) > 0 ? given : entriesFor(given);
          put(store, row, form, random.integer(2) > 0);
          model[row] = given;
        }
      }
      checkStore(store, model.length);
      checkStore(other, copies.length);
    }
    checkRows(store, model);
    checkRows(other, copies);
  });
});

Deno.test("a row that does not grow stays where it is; one that grows moves to the end of the pool", () => {
  const store = makeStore(100);
  growStore(store, 2);
  const row = (count: number) =>
    Float32Array.from({ length: 100 }, (_, t) => t < count ? t + 1 : 0);
  put(store, 0, row(10), false);
  put(store, 1, row(20), false);
  assertEquals([store.start[0], store.start[1], store.pooled], [0, 10, 30]);
  put(store, 0, row(10), false);
  put(store, 0, row(4), false);
  assertEquals([store.start[0], store.pooled, store.entries], [0, 30, 24]);
  put(store, 0, row(5), false);
  assertEquals([store.start[0], store.pooled, store.entries], [30, 35, 25]);
  checkStore(store, 2);
});

Deno.test("the pool is swept when it is full: it holds at most a quarter more than the entries and what comes", () => {
  const store = makeStore(1000);
  growStore(store, 50);
  const row = (count: number) =>
    Float32Array.from({ length: 1000 }, (_, t) => t < count ? t + 1 : 0);
  assertEquals(store.columns.length, 0);
  put(store, 0, row(1), false);
  assertEquals([store.columns.length, store.numbers.length], [64, 64]);
  const { columns } = store;
  put(store, 1, row(63), false);
  assert(store.columns === columns, "there was room");
  assertEquals([store.columns.length, store.pooled], [64, 64]);
  put(store, 2, row(1), false);
  assertEquals([store.columns.length, store.pooled], [80, 65]);
  put(store, 3, row(500), false);
  assertEquals([store.columns.length, store.pooled], [565, 565]);
  let pools = 0, last = store.columns;
  // Rows that grow one by one leave what they were behind.
  for (let count = 2; count < 400; count++) {
    put(store, 2, row(count), false);
    if (store.columns !== last) pools++;
    last = store.columns;
    const held = 564 + count;
    assertEquals(store.entries, held);
    const most = Math.ceil(1.25 * held) + count;
    assert(store.columns.length <= most, `${store.columns.length}`);
    assert(store.pooled <= store.columns.length);
  }
  // 400 rows of 200 numbers on the average through a free fifth of some 900.
  assert(pools > 200 && pools < 400, `${pools} pools`);
  checkStore(store, 50);
  // What goes makes room.
  for (const gone of [1, 2, 3]) clearRow(store, gone);
  reserveStore(store, 0, store.columns.length);
  assertEquals(store.pooled, 1);
  assertEquals(numberAt(store, 0, 0), 1);
});

Deno.test("reserveStore() makes room ahead: what is set then stays in the same arrays", () => {
  const store = makeStore(8);
  growStore(store, 40);
  put(store, 0, Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), true);
  put(store, 1, Float32Array.of(0, 1, 0, 0, 2, 0, 0, 0), false);
  reserveStore(store, 20, 200);
  const { dense, columns, numbers } = store;
  const row = Float32Array.of(1, 0, 2, 0, 3, 0, 4, 5);
  for (let at = 2; at < 22; at++) put(store, at, row, true);
  for (let at = 22; at < 40; at++) put(store, at, row, false);
  assert(store.dense === dense && store.columns === columns);
  assert(store.numbers === numbers);
  assertEquals(numberAt(store, 0, 7), 8);
  checkStore(store, 40);
});

Deno.test("dense rows that come one by one make the array grow by doubling", () => {
  const store = makeStore(3), grown = new Set<Float32Array>();
  growStore(store, 1000);
  for (let row = 0; row < 1000; row++) {
    put(store, row, Float32Array.of(row, 1, 2), true);
    grown.add(store.dense);
  }
  assertEquals([grown.size, store.dense.length], [11, 3 * 1024]);
  assertEquals(numberAt(store, 999, 0), 999);
});

Deno.test("places of dense rows are used again before there are new ones", () => {
  const store = makeStore(3);
  growStore(store, 8);
  for (let row = 0; row < 8; row++) put(store, row, new Float32Array(3), true);
  const { length } = store.dense;
  for (let round = 0; round < 20; round++) {
    clearRow(store, round % 8);
    put(store, (round + 3) % 8, Float32Array.of(0, 0, 1), false);
    put(store, round % 8, Float32Array.of(1, 2, 3), true);
    put(store, (round + 3) % 8, Float32Array.of(1, 0, 3), true);
  }
  assertEquals([store.places, store.dense.length], [8, length]);
  for (const row of [1, 4, 6]) clearRow(store, row);
  reserveStore(store, length / 3 - 5, 0);
  assertEquals(store.dense.length, length);
  reserveStore(store, length / 3 - 4, 0);
  assert(store.dense.length > length, "one more than there is room for");
  checkStore(store, 8);
});

Deno.test("more entries than places in the pool are refused, and no sooner", () => {
  const store = makeStore(5), most = 2 ** 31 - 1;
  growStore(store, 1);
  // As if they were there: nobody has memory for them.
  store.entries = most - 10;
  assertThrows(
    () => reserveStore(store, 0, 11),
    RangeError,
    `Cannot store rows: there would be ${
      most + 1
    } entries, there should be at most ${most}`,
  );
});

Deno.test("spreadEntries() writes one row in place of another", () => {
  forSeeds(20, (_, random) => {
    const width = pick(random, [1, 2, 17, 60]), spread = makeSpread();
    for (let round = 0; round < 30; round++) {
      const given = drawRow(random, width), entries = entriesFor(given);
      if (entries instanceof Float32Array) continue;
      reserveSpread(spread, width, entries.count);
      spreadEntries(spread, entries);
      sameBits(spread.numbers, given.map((x) => x + 0), "spread");
      assertEquals(spread.count, entries.count);
    }
  });
});

Deno.test("storeBytes() counts every array, and grows with what is not 0 alone", () => {
  const store = makeStore(1000);
  growStore(store, 10);
  assertEquals(storeBytes(store), 10 * 3 * 4);
  put(store, 0, Float32Array.from({ length: 1000 }, (_, t) => +(t < 7)), false);
  assertEquals(storeBytes(store), 120 + 64 * 8);
  put(store, 1, new Float32Array(1000), true);
  assertEquals(storeBytes(store), 120 + 64 * 8 + 4000);
  put(store, 2, new Float32Array(1000), true);
  clearRow(store, 1);
  assertEquals(storeBytes(store), 120 + 64 * 8 + 8000 + 8);
  // Without dense rows there are no places to remember.
  clearRow(store, 2);
  assertEquals(storeBytes(store), 120 + 64 * 8 + 8000);
  assertEquals(entriesOf(store, 0).count, 7);
});
