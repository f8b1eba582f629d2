/**
 * The JSON of a safetensors header, and no other JSON.
 *
 * A header is one object: names of tensors with their dtype, shape and offsets, and `__metadata__` with strings. Read by
 * its grammar it cannot nest, so that it takes memory in proportion to its bytes, and a name that comes twice is seen,
 * which `JSON.parse` would hide. Format: https://github.com/huggingface/safetensors#format.
 *
 * @module
 */

import { show } from "../check.ts";

/** What a header says of a tensor. */
export interface Described {
  name: string;
  dtype: string;
  shape: number[];
  /** Where its bytes begin and end, counted from the end of the header. */
  offsets: [number, number];
}

/** A header taken apart. */
export interface Header {
  metadata: Readonly<Record<string, string>>;
  tensors: Described[];
}

const METADATA = "__metadata__";
const FIELDS: readonly string[] = ["dtype", "shape", "data_offsets"];

/** A header on its way through the parser. */
interface Cursor {
  text: string;
  at: number;
  refuse: (what: string, should: string) => never;
}

/** Parses a header; `refuse` throws what is given to it. */
export function parseHeader(
  bytes: Uint8Array,
  refuse: (what: string, should: string) => never,
): Header {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
      .decode(bytes);
  } catch {
    return refuse("the header is no UTF-8", "it should be JSON in UTF-8");
  }
  const cursor: Cursor = { text, at: 0, refuse };
  const header: Header = { metadata: {}, tensors: [] };
  readObject(cursor, (name) => {
    if (name === METADATA) header.metadata = readStrings(cursor);
    else header.tensors.push(readDescribed(cursor, name));
  });
  if (peek(cursor) !== "") expected(cursor, "the end of the header");
  return header;
}

/** Reads an object, handing over each name when its value comes next. */
function readObject(cursor: Cursor, read: (name: string) => void): void {
  const names = new Set<string>();
  take(cursor, "{");
  if (peek(cursor) === "}") {
    cursor.at++;
    return;
  }
  for (;;) {
    const name = readString(cursor);
    if (names.size === names.add(name).size) {
      cursor.refuse(
        `the header names ${show(name)} twice`,
        "it should name it once",
      );
    }
    take(cursor, ":");
    read(name);
    if (peek(cursor) !== ",") break;
    cursor.at++;
  }
  take(cursor, "}");
}

function readStrings(cursor: Cursor): Record<string, string> {
  const entries: [string, string][] = [];
  readObject(cursor, (name) => entries.push([name, readString(cursor)]));
  // Unlike an assignment this takes "__proto__" for a name like any other.
  return Object.fromEntries(entries);
}

function readDescribed(cursor: Cursor, name: string): Described {
  let dtype: string | undefined, shape: number[] | undefined;
  let offsets: number[] | undefined;
  readObject(cursor, (field) => {
    if (field === "dtype") dtype = readString(cursor);
    else if (field === "shape") shape = readCounts(cursor);
    else if (field === "data_offsets") offsets = readCounts(cursor);
    else {
      cursor.refuse(
        `tensor ${show(name)} has a field ${show(field)}`,
        `it should have ${FIELDS.join(", ")}`,
      );
    }
  });
  if (
    dtype === undefined || shape === undefined || offsets === undefined ||
    offsets.length !== 2
  ) {
    return cursor.refuse(
      `tensor ${show(name)} is not described`,
      "it should have a dtype, a shape and two offsets",
    );
  }
  return { name, dtype, shape, offsets: [offsets[0], offsets[1]] };
}

function readCounts(cursor: Cursor): number[] {
  const counts: number[] = [];
  take(cursor, "[");
  if (peek(cursor) === "]") {
    cursor.at++;
    return counts;
  }
  for (;;) {
    counts.push(readCount(cursor));
    if (peek(cursor) !== ",") break;
    cursor.at++;
  }
  take(cursor, "]");
  return counts;
}

/** Reads a whole number as the format's own writer puts it: digits alone. */
function readCount(cursor: Cursor): number {
  peek(cursor);
  const { text } = cursor, start = cursor.at;
  while (isDigit(text.charCodeAt(cursor.at))) cursor.at++;
  const digits = text.slice(start, cursor.at), count = Number(digits);
  const plain = digits !== "" && Number.isSafeInteger(count) &&
    String(count) === digits;
  if (!plain) {
    cursor.at = start;
    expected(cursor, "a whole number");
  }
  return count;
}

function readString(cursor: Cursor): string {
  if (peek(cursor) !== '"') expected(cursor, "a string");
  const { text, at: from } = cursor;
  let at = from + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  try {
    const string: string = JSON.parse(text.slice(from, at + 1));
    cursor.at = at + 1;
    return string;
  } catch {
    return expected(cursor, "a string");
  }
}

/** The next character that is no space, or nothing at the end. */
function peek(cursor: Cursor): string {
  const { text } = cursor;
  while (isSpace(text[cursor.at])) cursor.at++;
  return text[cursor.at] ?? "";
}

function take(cursor: Cursor, character: string): void {
  if (peek(cursor) !== character) expected(cursor, `a ${character}`);
  cursor.at++;
}

function expected({ text, at, refuse }: Cursor, what: string): never {
  const found = at < text.length ? JSON.stringify(text[at]) : "the end";
  return refuse(
    `the header has ${found} at character ${at}`,
    `it should have ${what}`,
  );
}

function isSpace(character: string): boolean {
  return character === " " || character === "\n" || character === "\t" ||
    character === "\r";
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}
