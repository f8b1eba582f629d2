import { assert, assertEquals } from "@std/assert";
import { CsrMatrix, update } from "../mod.ts";
import { seeded } from "../src/random.ts";
import type { Input } from "./malformed/door.ts";
import { DOOR_MUTATIONS, DOORS } from "./malformed/doors.ts";
import { MATRIX_MUTATIONS } from "./malformed/forms.ts";
import { judge, type Verdict } from "./malformed/judge.ts";
import { LIST_TRICKS, PART_MUTATIONS } from "./malformed/spoil.ts";
import {
  drawReading,
  Own,
  type Parts,
  partsOf,
  readParts,
  writtenOut,
} from "./malformed/parts.ts";
import {
  BATCH,
  inputOf,
  makeScene,
  makeTally,
  MOST_BYTES,
  MOST_MILLISECONDS,
  nameOf,
  note,
  runBatch,
  type Tally,
} from "./malformed/run.ts";
import { TUPLE_MUTATIONS } from "./malformed/tuples.ts";
import { runBatches } from "./malformed/watch.ts";

/** `deno task test:malformed` asks for a million. */
const MALFORMED = asked("REATTEND_MALFORMED") ?? 5000;

/** Of the inputs of a batch more than this are refused. */
const REFUSED_SHARE = 0.7;

/** What may be done or refused, as long as it is done right. */
const NEVER_SURE: ReadonlySet<string> = new Set([
  "array lies about its length",
  "array has methods that lie",
  "array has a species that lies",
  "fake: a child of a matrix",
  "fake: a field that changes",
  "fake: a proxy",
  "fake: a proxy that changes",
  "fake: a subclass",
  "fake: a subclass whose methods lie",
  "list has an element that changes",
  "one entry more",
  "written: value is another",
]);

Deno.test(`${MALFORMED} malformed sparse inputs are refused in one sentence, or done as the model does them`, async () => {
  const tally = await runBatches(
    Math.ceil(MALFORMED / (BATCH * REFUSED_SHARE)),
  );
  const faults = Object.entries(tally.faults);
  assert(faults.length === 0, described(tally));
  assert(tally.refused >= MALFORMED, described(tally));
  assert(tally.oneStep >= tally.refused / 2, described(tally));
  for (const door of Object.keys(DOORS)) {
    const { refused, accepted } = tally.doors[door];
    assert(refused > 0 && accepted > 0, `${door}\n${described(tally)}`);
  }
  const mutations = [
    ...Object.keys(PART_MUTATIONS),
    ...Object.keys(LIST_TRICKS),
    ...MATRIX_MUTATIONS,
    ...TUPLE_MUTATIONS,
    ...DOOR_MUTATIONS,
  ];
  for (const name of mutations) {
    const { refused, accepted } = tally.mutations[name] ??
      { refused: 0, accepted: 0 };
    const met = NEVER_SURE.has(name) ? refused + accepted : refused;
    assert(met > 0, `${name} was never met\n${described(tally)}`);
  }
  assertEquals(new Set(mutations).size, mutations.length);
});

/** What came of it all, for a failure. */
function described(tally: Tally): string {
  const counts = (part: Tally["doors"]) =>
    Object.entries(part).sort().map(([name, { refused, accepted }]) =>
      `  ${refused} refused, ${accepted} done: ${name}`
    );
  const faults = Object.entries(tally.faults)
    .sort(([, a], [, b]) => b.count - a.count)
    .map(([name, { count, first }]) => `  ${count} × ${name}: ${first}`);
  const { refused, oneStep, accepted, slowest, largest } = tally;
  return [
    `${refused} refused, ${oneStep} of them one mutation from right, ${accepted} done,`,
    `the slowest in ${slowest} ms, the largest with ${largest} bytes`,
    `${faults.length} kinds of faults:`,
    ...faults,
    "doors:",
    ...counts(tally.doors),
    "mutations:",
    ...counts(tally.mutations),
  ].join("\n");
}

Deno.test("a batch has the inputs and the outcome of its seed", () => {
  const [a, b, c] = [7, 7, 8].map((batch) => {
    const scene = makeScene(batch), tally = makeTally();
    const names = Array.from(
      { length: BATCH },
      (_, at) => nameOf(inputOf(batch, at, scene)),
    );
    runBatch(batch, tally);
    return { names, ...tally, slowest: 0, largest: 0 };
  });
  assertEquals(a, b);
  assert(a.names.join() !== c.names.join());
});

Deno.test("readParts() reads what a matrix says and nothing else", () => {
  const right: Parts = {
    rows: 2,
    columns: 3,
    indptr: [0, 2, 3],
    indices: [0, 2, 1],
    values: [1, -0, 5],
  };
  assertEquals(readParts(right), {
    rows: 2,
    columns: 3,
    entries: [[0, 0, 1], [0, 2, -0], [1, 1, 5]],
  });
  const wrong: Partial<Parts>[] = [
    { rows: 1 },
    { rows: 3 },
    { rows: "2" },
    { rows: 2 ** 32 },
    { columns: 2 },
    { columns: NaN },
    { indptr: [0, 2] },
    { indptr: [0, 2, 2] },
    { indptr: [0, 2, 4] },
    { indptr: [1, 2, 3] },
    { indptr: [0, 4, 3] },
    { indptr: [0, 1.5, 3] },
    { indptr: new BigInt64Array([0n, 2n, 3n]) },
    { indices: [0, 3, 1] },
    { indices: [-1, 2, 1] },
    { indices: [2, 0, 1] },
    { indices: [2, 2, 1] },
    { indices: [0, 0.5, 1] },
    { indices: [0, , 1] },
    { indices: [0, 2] },
    { indices: new DataView(new ArrayBuffer(3)) },
    { values: [1, NaN, 5] },
    { values: [1, Infinity, 5] },
    { values: [1, "2", 5] },
    { values: [1, 2, 5, 6] },
    { values: undefined },
  ];
  for (const part of wrong) {
    const reading = readParts({ ...right, ...part });
    assertEquals(reading, undefined, Object.keys(part).join());
  }
  const random = seeded(1);
  for (let at = 0; at < 100; at++) {
    const reading = drawReading(random, random.integer(6), random.integer(6));
    assertEquals(readParts(partsOf(reading)), reading);
    const { rows, columns } = reading;
    const dense = CsrMatrix.fromTriples(rows, columns, reading.entries);
    assertEquals(dense.to2DArray(), writtenOut(reading));
  }
});

Deno.test("judge() finds every kind of fault", () => {
  const batch = 2,
    right: Omit<Input, "call"> = {
      door: "planted",
      names: [],
      outcomes: [],
      strange: false,
      scribble: () => {},
    };
  const fault = (call: Parameters<typeof planted>[0], input = right) =>
    planted(call, input).fault ?? "none";
  const planted = (
    call: (scene: ReturnType<typeof makeScene>) => unknown,
    input: Omit<Input, "call">,
  ) => {
    const scene = makeScene(batch);
    return judge(scene, { ...input, call: () => call(scene) });
  };
  const refuse = (message = "Cannot plant: it is bad, it should be good") => {
    throw new RangeError(message);
  };
  assertEquals(fault(() => refuse()), "none");
  assertEquals(fault(() => 1), "was let in");
  for (
    const message of ["", "Invalid array length", "Cannot plant: it is bad."]
  ) {
    assertEquals(fault(() => refuse(message)), `no sentence: ${message}`);
  }
  assertEquals(
    fault(() => {
      throw new SyntaxError("what");
    }),
    "threw SyntaxError: what",
  );
  const own = () => {
    throw new Own("mine");
  };
  assertEquals(fault(own), "threw Own: mine");
  assertEquals(fault(own, { ...right, strange: true }), "none");
  const changing = ({ a, model }: ReturnType<typeof makeScene>) => {
    const [id] = model.keys.keys();
    update(a, id, { bias: 3 });
    refuse();
  };
  assert(fault(changing).startsWith("changed"));
  const matrix = CsrMatrix.fromDense([[0, 1], [2, 0]]);
  const reading = readParts(matrix)!;
  const makes: Omit<Input, "call"> = {
    ...right,
    outcomes: [{ kind: "matrix", reading }],
  };
  assertEquals(fault(() => matrix, makes), "none");
  assert(fault(() => refuse(), makes).startsWith("right, but refused"));
  assert(
    fault(() => matrix.transpose(), makes).startsWith("is not as the model"),
  );
  assert(fault(() => 5, makes).startsWith("is not as the model has it"));
  matrix.indices[0] = 9;
  assert(fault(() => matrix, makes).startsWith("is not as the model has it"));
  const nothing: Omit<Input, "call"> = {
    ...right,
    outcomes: [{
      kind: "changes",
      steps: [{ verb: "append", keys: [], values: [] }],
    }],
  };
  assertEquals(fault(() => [], nothing), "none");
  assert(fault(() => [3], nothing).startsWith("is not as the model has it"));
  assert(
    fault(({ a, model }) => {
      update(a, [...model.keys.keys()], { bias: 1e3 });
      return [];
    }, {
      ...nothing,
      outcomes: [{
        kind: "changes",
        steps: [
          {
            verb: "update",
            ids: [...makeScene(batch).model.keys.keys()],
            bias: [...makeScene(batch).model.keys.keys()].map(() => 0),
          },
        ],
      }],
    }).startsWith("is not as the model has it"),
  );
  const held: Float64Array[] = [];
  const { bytes, milliseconds } = planted(() => {
    const started = performance.now();
    while (performance.now() - started <= 20);
    // Twice as much: what is given back meanwhile counts too.
    held.push(new Float64Array(2 * MOST_BYTES / 8));
    refuse();
  }, right);
  assertEquals(held.length, 1);
  assert(milliseconds > 20, `${milliseconds} ms`);
  assert(bytes > MOST_BYTES, `${bytes} bytes`);
});

Deno.test("note() counts refusals, and what takes too much is a fault", () => {
  const tally = makeTally(),
    input: Input = {
      door: "planted",
      names: ["one"],
      call: () => {},
      outcomes: [],
      strange: false,
      scribble: () => {},
    };
  const verdict: Verdict = {
    refused: true,
    fault: undefined,
    milliseconds: MOST_MILLISECONDS,
    bytes: MOST_BYTES,
  };
  note(tally, 1, 2, input, verdict);
  assertEquals([tally.refused, tally.oneStep, tally.accepted], [1, 1, 0]);
  assertEquals(tally.faults, {});
  for (const names of [["one", "two"], ["noise"], []]) {
    note(tally, 1, 2, { ...input, names }, verdict);
  }
  assertEquals([tally.refused, tally.oneStep, tally.accepted], [4, 1, 0]);
  note(tally, 1, 2, input, { ...verdict, refused: false });
  assertEquals([tally.refused, tally.oneStep, tally.accepted], [4, 1, 1]);
  note(tally, 1, 2, input, { ...verdict, fault: "bad" });
  note(tally, 1, 2, input, { ...verdict, milliseconds: 1001 });
  note(tally, 1, 2, input, { ...verdict, bytes: MOST_BYTES + 1 });
  assertEquals(tally.faults, {
    "planted (one)": { count: 3, first: "batch 1, input 2: bad" },
  });
});

/** A whole number in the environment, where that may be read. */
function asked(variable: string): number | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  const text = state === "granted" ? Deno.env.get(variable) : undefined;
  return text === undefined ? undefined : Number(text);
}
