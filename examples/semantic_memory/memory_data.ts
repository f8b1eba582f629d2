/**
 * The nouns of the demo: words, definitions, kinds, and what a sentence encoder made of the texts.
 *
 * The numbers are in a .safetensors file: eight bytes that say how long the header is, the header in JSON, then the
 * tensors one behind another (https://huggingface.co/docs/safetensors). The reader here knows matrices of 16-bit floats
 * and refuses everything else.
 *
 * @module
 */

/** A noun of WordNet. */
export interface Noun {
  /** What is defined. */
  word: string;
  /** Its definition, as a person reads it. */
  text: string;
  /** What kind of thing it is: an index into {@linkcode Nouns.kinds}. */
  kind: number;
  /** The meaning of the word alone: numbers of length 1. */
  wordMeaning: Float32Array;
  /** The meaning of the definition: numbers of length 1. */
  textMeaning: Float32Array;
}

/** All nouns, and the names of their kinds. */
export interface Nouns {
  /** The most common first. */
  kinds: string[];
  /** In the order of the file. */
  list: Noun[];
  /** Numbers in a meaning. */
  dim: number;
}

/** A matrix as it is in a file. */
export interface Tensor {
  /** How many rows. */
  rows: number;
  /** Numbers in a row. */
  columns: number;
  /** rows × columns, row by row. */
  numbers: Float32Array;
}

/** Reads the nouns from the folder that holds `wordnet.json` and `wordnet.safetensors`. */
export async function loadNouns(folder: URL): Promise<Nouns> {
  const [json, file] = await Promise.all([
    Deno.readTextFile(new URL("wordnet.json", folder)),
    Deno.readFile(new URL("wordnet.safetensors", folder)),
  ]);
  const entries: { lemma: string; gloss: string; kind: string }[] = JSON.parse(
    json,
  );
  const texts = readTensor(file, "keys"), words = readTensor(file, "queries");
  if (
    texts.rows !== entries.length || words.rows !== entries.length ||
    words.columns !== texts.columns
  ) {
    throw new RangeError(
      `Cannot load the nouns: there are meanings of ${texts.rows} × ${texts.columns} texts and ${words.rows} × ${words.columns} words, there should be one for each of ${entries.length} nouns`,
    );
  }
  const kinds = byFrequency(entries.map(({ kind }) => kind));
  const row = ({ numbers, columns }: Tensor, at: number) =>
    numbers.subarray(at * columns, (at + 1) * columns);
  return {
    kinds,
    dim: texts.columns,
    list: entries.map(({ lemma, gloss, kind }, at) => ({
      word: lemma,
      text: gloss,
      kind: kinds.indexOf(kind),
      wordMeaning: row(words, at),
      textMeaning: row(texts, at),
    })),
  };
}

/** Reads one matrix of 16-bit floats from a .safetensors file; a `RangeError` says what is wrong with the file. */
export function readTensor(file: Uint8Array, name: string): Tensor {
  const refuse = (is: string, should: string) =>
    new RangeError(`Cannot read tensor "${name}": ${is}, ${should}`);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const headerBytes = file.length < 8
    ? NaN
    : Number(view.getBigUint64(0, true));
  if (!(8 + headerBytes <= file.length)) {
    throw refuse(
      `the file has ${file.length} bytes`,
      "it should hold the header that it announces",
    );
  }
  const start = 8 + headerBytes;
  let header: Record<string, TensorEntry | undefined>;
  try {
    header = JSON.parse(new TextDecoder().decode(file.subarray(8, start)));
  } catch {
    throw refuse("the header is no JSON", "it should be");
  }
  const entry = header[name];
  if (entry === undefined) {
    throw refuse(
      "it is not there",
      `it should be one of ${Object.keys(header).join(", ")}`,
    );
  }
  const { dtype, shape, data_offsets: [from, to] } = entry;
  if (dtype !== "F16" || shape.length !== 2) {
    throw refuse(
      `it is ${dtype} of ${shape.length} axes`,
      "it should be F16 of 2 axes",
    );
  }
  const [rows, columns] = shape;
  if (
    to - from !== 2 * rows * columns || from < 0 || start + to > file.length
  ) {
    throw refuse(
      `it lies at bytes ${from} to ${to} of ${file.length - start}`,
      `it should be ${rows} × ${columns} numbers of 2 bytes`,
    );
  }
  const numbers = new Float32Array(rows * columns);
  for (let i = 0; i < numbers.length; i++) {
    numbers[i] = view.getFloat16(start + from + 2 * i, true);
  }
  return { rows, columns, numbers };
}

/** What the header of a file says of a tensor. */
interface TensorEntry {
  dtype: string;
  shape: number[];
  data_offsets: [from: number, to: number];
}

/** The different names, the most frequent first. */
function byFrequency(names: string[]): string[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).map(([name]) => name);
}
