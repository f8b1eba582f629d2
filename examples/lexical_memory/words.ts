/**
 * Texts as sparse vectors: which words stand in a text, each weighed by how rare it is (TF-IDF).
 *
 * There is a column for every word of a dictionary. The number of a word in a text is tf · idf: how often it stands
 * there, times a weight that falls with the number of texts it stands in. That rare words should weigh more is from
 * K. Spärck Jones, A statistical interpretation of term specificity and its application in retrieval, 1972,
 * https://doi.org/10.1108/eb026526; the product, divided by the length of the whole vector, is `tfc` in G. Salton and
 * C. Buckley, Term-weighting approaches in automatic text retrieval, 1988,
 * https://doi.org/10.1016/0306-4573(88)90021-0, table 1. The idf itself is the smooth one of scikit-learn,
 * ln((1 + N) / (1 + df)) + 1 (https://scikit-learn.org/stable/modules/feature_extraction.html, Tf–idf term weighting),
 * N texts, df of them with the word: no word weighs nothing, and none divides by zero.
 *
 * @module
 */

import { CsrMatrix } from "@reattend/reattend";

/** The words that have a column, and what they weigh. */
export interface Dictionary {
  /** Every word once, in alphabetical order: `words[t]` has column t. */
  words: string[];
  /** The column of each word. */
  columnOf: Map<string, number>;
  /** words: idf, 1 for a word that stands in every text, more for a rarer one. */
  rarity: Float64Array;
}

/** The words of a text as they stand: runs of two or more letters and digits, in lower case. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]{2,}/gu) ?? [];
}

/** Lists all words of some texts, and weighs each by the number of texts it stands in. */
export function makeDictionary(texts: readonly string[][]): Dictionary {
  const standsIn = new Map<string, number>();
  for (const text of texts) {
    for (const word of new Set(text)) {
      standsIn.set(word, (standsIn.get(word) ?? 0) + 1);
    }
  }
  const words = [...standsIn.keys()].sort();
  return {
    words,
    columnOf: new Map(words.map((word, column) => [word, column])),
    rarity: Float64Array.from(
      words,
      (word) => Math.log((1 + texts.length) / (1 + standsIn.get(word)!)) + 1,
    ),
  };
}

/**
 * The vectors of some texts, a row for each: of length 1, so that the dot product of two is the cosine between them.
 *
 * Words that the dictionary lacks are left out; a text of nothing else has no entries.
 */
export function weigh(
  dictionary: Dictionary,
  texts: readonly string[][],
): CsrMatrix {
  const starts = [0], indices: number[] = [], numbers: number[] = [];
  for (const text of texts) {
    const products = weighWords(dictionary, text);
    const length = lengthOf(products);
    for (const [column, product] of products) {
      indices.push(column);
      numbers.push(product / length);
    }
    starts.push(indices.length);
  }
  return new CsrMatrix(
    texts.length,
    dictionary.words.length,
    starts,
    indices,
    Float32Array.from(numbers),
  );
}

/** What one more of a word adds to the row of a text that is not scaled to length 1 again. */
export function weightOfOneMore(
  dictionary: Dictionary,
  text: string[],
  column: number,
): number {
  return dictionary.rarity[column] / lengthOf(weighWords(dictionary, text));
}

/** The columns of a text, ascending, each with tf · idf. */
function weighWords(
  { columnOf, rarity }: Dictionary,
  text: string[],
): [column: number, product: number][] {
  const counts = new Map<number, number>();
  for (const word of text) {
    const column = columnOf.get(word);
    if (column !== undefined) counts.set(column, (counts.get(column) ?? 0) + 1);
  }
  return [...counts].sort(([one], [other]) => one - other)
    .map(([column, count]) => [column, count * rarity[column]]);
}

function lengthOf(products: [column: number, product: number][]): number {
  return Math.sqrt(products.reduce((sum, [, one]) => sum + one * one, 0));
}
