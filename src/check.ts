/**
 * The door: what comes in is checked here, once, and copied; inside, types are trusted and loops are bare.
 *
 * Every refusal is one sentence, `Cannot <verb>: <what is>, <what should be>`: a `TypeError` for the wrong kind of
 * thing, a `RangeError` for the wrong value.
 *
 * @module
 */

/** The number under which a key or a watched query is known: it counts up from 0 and is never reused; of 2³² there are no more. */
export type Id = number;

/** One id or several. */
export type Ids = Id | Iterable<Id>;

/** Added to scores, in nats: one number for all keys of a call or one for each; −Infinity masks a key. */
export type Bias = number | ArrayLike<number>;

/** Ids of the newest keys that causal queries see: one for all queries of a call or one for each. */
export type Position = Id | ArrayLike<Id>;

/** Ids are smaller than this. */
export const ID_LIMIT: number = 2 ** 32;

/** Biases are no larger than this in size, so that scores stay finite. */
const LARGEST_BIAS = 1e300;

/** Refuses options that are no object or hold a name that is not known. */
export function checkOptions(
  verb: string,
  options: unknown,
  known: readonly string[],
): void {
  if (options === undefined) return;
  if (
    typeof options !== "object" || options === null ||
    Symbol.iterator in options
  ) {
    throw new TypeError(
      `Cannot ${verb}: options is ${show(options)}, it should be an object`,
    );
  }
  // Two lists cost a third of what Reflect.ownKeys does.
  for (const name of Object.getOwnPropertyNames(options)) {
    if (!known.includes(name)) {
      refuseOption(verb, JSON.stringify(name), known);
    }
  }
  if (Object.getOwnPropertySymbols(options).length > 0) {
    refuseOption(verb, "that is a symbol", known);
  }
}

function refuseOption(
  verb: string,
  name: string,
  known: readonly string[],
): never {
  const should = known.length === 0
    ? "there should be none"
    : `it should be one of ${known.join(", ")}`;
  throw new TypeError(`Cannot ${verb}: unknown option ${name}, ${should}`);
}

/** Checks a whole number in `least` … `most`; all that are exact where there is no most. */
export function checkInteger(
  verb: string,
  name: string,
  value: unknown,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): number {
  if (typeof value !== "number") {
    throw new TypeError(
      `Cannot ${verb}: ${name} is ${show(value)}, it should be a number`,
    );
  }
  if (!Number.isInteger(value) || value < least || value > most) {
    const end = most === Number.MAX_SAFE_INTEGER ? "on" : `to ${most}`;
    throw new RangeError(
      `Cannot ${verb}: ${name} is ${value}, it should be a whole number from ${least} ${end}`,
    );
  }
  // −0 is 0.
  return value + 0;
}

/** Checks a finite number, no larger than `most` in size. */
export function checkFinite(
  verb: string,
  name: string,
  value: unknown,
  most: number = Number.MAX_VALUE,
): number {
  if (typeof value !== "number") {
    throw new TypeError(
      `Cannot ${verb}: ${name} is ${show(value)}, it should be a number`,
    );
  }
  if (!(Math.abs(value) <= most)) {
    const should = most === Number.MAX_VALUE
      ? "a finite number"
      : `a number up to ${most} in size`;
    throw new RangeError(
      `Cannot ${verb}: ${name} is ${value}, it should be ${should}`,
    );
  }
  return value;
}

/** Checks a number from 0 to 1, or below 1. */
export function checkShare(
  verb: string,
  name: string,
  share: unknown,
  whole = true,
): number {
  const number = checkFinite(verb, name, share);
  if (number < 0 || number > 1 || (number === 1 && !whole)) {
    throw new RangeError(
      `Cannot ${verb}: ${name} is ${number}, it should be from 0 to ${
        whole ? "1" : "below 1"
      }`,
    );
  }
  return number;
}

/** Checks one id. */
export function checkId(verb: string, id: unknown): Id {
  if (typeof id !== "number") {
    throw new TypeError(
      `Cannot ${verb}: id is ${show(id)}, it should be a number`,
    );
  }
  if (!Number.isInteger(id) || id < 0 || id >= ID_LIMIT) {
    throw new RangeError(
      `Cannot ${verb}: id is ${id}, it should be a whole number from 0 to 2^32 − 1`,
    );
  }
  // −0 is 0.
  return id + 0;
}

/** Checks one id or several: whole numbers below 2³², none twice unless `repeats` is allowed; `name` is what they are called. */
export function checkIds(
  verb: string,
  ids: unknown,
  repeats = false,
  name = "ids",
): Id[] {
  const list = typeof ids === "number"
    ? [ids]
    : isIterable(ids)
    ? [...ids]
    : undefined;
  if (list === undefined) {
    throw new TypeError(
      `Cannot ${verb}: ${name} is ${show(ids)}, it should be an id or several`,
    );
  }
  for (let at = 0; at < list.length; at++) list[at] = checkId(verb, list[at]);
  if (!repeats && list.length > 1 && new Set(list).size !== list.length) {
    const seen = new Set<unknown>();
    const twice = list.find((id) => seen.size === seen.add(id).size);
    throw new RangeError(
      `Cannot ${verb}: id ${twice} is given twice, it should be given once`,
    );
  }
  return list as Id[];
}

/** One bias for all or one for each. */
export function checkBias(
  verb: string,
  bias: Bias,
  count: number,
): (at: number) => number {
  const one = (value: unknown, name: string): number => {
    if (typeof value !== "number") {
      throw new TypeError(
        `Cannot ${verb}: ${name} is ${show(value)}, it should be a number`,
      );
    }
    if (value !== -Infinity && !(Math.abs(value) <= LARGEST_BIAS)) {
      throw new RangeError(
        `Cannot ${verb}: ${name} is ${value}, it should be -Infinity or a number up to ${LARGEST_BIAS} in size`,
      );
    }
    return value;
  };
  const listed = oneOrEach(verb, "bias", bias, count);
  if (listed === undefined) {
    const shared = one(bias, "bias");
    return () => shared;
  }
  const biases = Float64Array.from(
    { length: count },
    (_, at) => one(listed[at], `bias[${at}]`),
  );
  return (at) => biases[at];
}

/** One position for all or one for each; `newest` where none is given. */
export function checkPosition(
  verb: string,
  causal: boolean,
  position: Position | undefined,
  count: number,
  newest: Id,
): (at: number) => Id {
  if (position === undefined) return () => newest;
  if (!causal) {
    throw new TypeError(
      `Cannot ${verb}: position is given, the mask should be "causal" for that`,
    );
  }
  const one = (value: unknown, name: string) =>
    checkInteger(verb, name, value, -1, ID_LIMIT - 1);
  const listed = oneOrEach(verb, "position", position, count);
  if (listed === undefined) {
    const shared = one(position, "position");
    return () => shared;
  }
  const positions = Float64Array.from(
    { length: count },
    (_, at) => one(listed[at], `position[${at}]`),
  );
  return (at) => positions[at];
}

/** The list, if there is one for each; undefined if it is one for all. */
function oneOrEach(
  verb: string,
  name: string,
  given: unknown,
  count: number,
): ArrayLike<unknown> | undefined {
  if (
    !Array.isArray(given) &&
    !(ArrayBuffer.isView(given) && !(given instanceof DataView))
  ) {
    if (typeof given === "number") return undefined;
    throw new TypeError(
      `Cannot ${verb}: ${name} is ${
        show(given)
      }, it should be a number or one for each row`,
    );
  }
  const listed = given as ArrayLike<unknown>;
  if (listed.length !== count) {
    throw new RangeError(
      `Cannot ${verb}: ${name} has ${
        counted(listed.length, "number")
      }, it should have one for each of ${counted(count, "row")}`,
    );
  }
  return listed;
}

/** Whether something can be walked through, other than a string. */
export function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === "object" && value !== null &&
    typeof (value as Iterable<unknown>)[Symbol.iterator] === "function";
}

/** A number and what it counts: "1 key", "2 keys". */
export function counted(count: number | bigint, noun: string): string {
  return `${count} ${Number(count) === 1 ? noun : plural(noun)}`;
}

/** The same as a sentence: "there is 1 key", "there are 2 keys". */
export function thereAre(count: number, noun: string): string {
  return `there ${count === 1 ? "is" : "are"} ${counted(count, noun)}`;
}

/** Of the regular nouns that are counted here: batches, entries and queries, but keys. */
function plural(noun: string): string {
  if (/(ch|sh)$/.test(noun)) return `${noun}es`;
  return /[^aeiou]y$/.test(noun) ? `${noun.slice(0, -1)}ies` : `${noun}s`;
}

/** Refuses an id of a table that `size` live ids are in, the next one `next`: one below that was there, or was left out. */
export function refuseId(
  verb: string,
  what: "key" | "query" | "token",
  id: Id,
  { next, size }: { readonly next: Id; readonly size: number },
): never {
  throw new RangeError(
    `Cannot ${verb}: ${what} ${id} is ${
      id < next ? "gone" : "unknown"
    }, it should be one of ${counted(size, "live id")}`,
  );
}

/** How a value reads in a refusal. */
export function show(value: unknown): string {
  if (value === null || value === undefined || typeof value === "boolean") {
    return String(value);
  }
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "number") {
    return Object.is(value, -0) ? "-0" : String(value);
  }
  if (typeof value === "string") {
    return JSON.stringify(value.length > 40 ? value.slice(0, 40) + "…" : value);
  }
  if (typeof value === "function") return "a function";
  if (typeof value === "symbol") return "a symbol";
  if (Array.isArray(value)) return `an array of ${value.length}`;
  try {
    const name: unknown = (value as object).constructor?.name;
    return typeof name !== "string" || name === "" || name === "Object"
      ? "an object"
      : `${article(name)} ${name}`;
  } catch {
    // A constructor that throws is a stranger's business.
    return "an object";
  }
}

/** "an" before a vowel that is heard: a Uint8Array begins with a y. */
function article(name: string): string {
  return /^(?!Uint)[AEIOU]/.test(name) ? "an" : "a";
}

/** Checks that a value is one of a few names. */
export function checkName<Name extends string>(
  verb: string,
  name: string,
  value: unknown,
  known: readonly Name[],
): Name {
  if (!known.includes(value as Name)) {
    const listed = known.map((word) => JSON.stringify(word)).join(" or ");
    throw new TypeError(
      `Cannot ${verb}: ${name} is ${show(value)}, it should be ${listed}`,
    );
  }
  return value as Name;
}

/** Checks what a mask or a filter returns: a forgotten `return` is no answer. */
export function checkAnswer(name: string, answer: unknown): boolean {
  if (typeof answer === "boolean") return answer;
  throw new TypeError(
    `Cannot attend: the ${name} returned ${
      show(answer)
    }, it should return true or false`,
  );
}
