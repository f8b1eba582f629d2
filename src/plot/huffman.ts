/**
 * Huffman codes of limited length: the more often a symbol occurs, the fewer bits it takes.
 *
 * D. A. Huffman, "A Method for the Construction of Minimum-Redundancy Codes", 1952,
 * https://doi.org/10.1109/JRPROC.1952.273898; codes from their lengths as in RFC 1951, section 3.2.2.
 *
 * @module
 */

/** A code for each symbol; symbols that do not occur have length 0. */
export interface Codes {
  lengths: Uint8Array;
  codes: Uint16Array;
}

/** Makes codes of at most `longest` bits for symbols that occur so often. */
export function makeCodes(counts: Uint32Array, longest: number): Codes {
  let weights = counts, lengths = depths(weights);
  // Flatter counts make flatter trees; once all are 1 it is as flat as it gets.
  while (lengths.some((length) => length > longest)) {
    weights = weights.map((count) => count === 0 ? 0 : (count >>> 1) | 1);
    lengths = depths(weights);
  }
  return { lengths, codes: canonical(lengths, longest) };
}

/** How deep each symbol lies in the tree that joins the two rarest again and again. */
function depths(counts: Uint32Array): Uint8Array {
  const lengths = new Uint8Array(counts.length);
  const leaves = [...counts.keys()].filter((symbol) => counts[symbol] > 0)
    .sort((a, b) => counts[a] - counts[b] || a - b);
  // A tree of one leaf has no bits, which no decoder can read.
  if (leaves.length === 1) lengths[leaves[0]] = 1;
  if (leaves.length < 2) return lengths;
  // Leaves first, then what they are joined to, which comes out ascending by itself.
  const weights = leaves.map((symbol) => counts[symbol]);
  const parents: number[] = [], count = leaves.length;
  let leaf = 0, joined = count;
  const rarest = () =>
    joined >= weights.length || leaf < count && weights[leaf] <= weights[joined]
      ? leaf++
      : joined++;
  while (weights.length < 2 * count - 1) {
    const one = rarest(), other = rarest();
    parents[one] = parents[other] = weights.length;
    weights.push(weights[one] + weights[other]);
  }
  const depth = new Uint8Array(weights.length);
  for (let node = weights.length - 2; node >= 0; node--) {
    depth[node] = depth[parents[node]] + 1;
  }
  leaves.forEach((symbol, at) => lengths[symbol] = depth[at]);
  return lengths;
}

/** Codes of the same length count up, shorter ones come first. */
function canonical(lengths: Uint8Array, longest: number): Uint16Array {
  const codes = new Uint16Array(lengths.length);
  for (let length = 1, code = 0; length <= longest; length++, code <<= 1) {
    lengths.forEach((own, symbol) => {
      if (own === length) codes[symbol] = code++;
    });
  }
  return codes;
}
