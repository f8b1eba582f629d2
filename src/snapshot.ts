/**
 * Keeping an attention: its tables as a safetensors file, and back.
 *
 * A file holds what is stored, never what is computed: outputs are a function of the tables, so an attention restored
 * from them gives the same bits.
 *
 * @module
 */

import { type Attention, createAttention, openAttention } from "./attention.ts";
import { append, watch } from "./change.ts";
import {
  checkInteger,
  checkOptions,
  ID_LIMIT,
  show,
  thereAre,
} from "./check.ts";
import { SIDE_LIMIT } from "./rows.ts";
import type { KernelChoice } from "./kernel/choose.ts";
import { KERNEL_ID } from "./kernel/kernel.ts";
import { CsrMatrix } from "./matrix/csr.ts";
import { NO_CHECKSUM, seal, verifySeal } from "./file/checksum.ts";
import { copyRows } from "./matrix/output.ts";
import {
  type Representation,
  representations,
} from "./matrix/representation.ts";
import type { MaskPredicate } from "./memory/mask.ts";
import { checkMethod, type Method } from "./softmax/method.ts";
import {
  type NamedTensor,
  readSafetensors,
  writeSafetensors,
} from "./file/safetensors.ts";
import {
  edgeTensors,
  integers,
  integersOf,
  readEdges,
  readRows,
  rowTensors,
  tensorOf,
} from "./file/tensors.ts";
import { biasOf, MOST_KEYS } from "./memory/keys.ts";
import { listSlots } from "./memory/slots.ts";

const FORMAT = "reattend";
const VERSION = "1";

/** Options of {@linkcode restore}. */
export interface RestoreOptions {
  /** The predicate, where the mask was one: functions cannot be stored. */
  mask?: MaskPredicate;
  /** Bytes that old versions of changed keys may take; as it was if left out. */
  logBytes?: number;
  /** Which kernel computes. */
  kernel?: KernelChoice;
  /** The method, where there was one: functions cannot be stored. */
  method?: Method;
  /** How keys, values and queries are stored; as it was if left out. */
  representation?: Representation;
}

/**
 * Writes an attention's tables into bytes: a valid `.safetensors` file.
 *
 * It holds keys, values, biases, queries, ids, positions, mask edges and options, with a checksum, and no sums.
 * Functions cannot be stored: a mask that is one, and the method, are only named, and {@linkcode restore} wants them
 * again.
 *
 * Costs a copy of the tables: 4 (dim + valueDim) + 16 bytes a key, less where less than half of their numbers are not
 * 0. Stores that limit the size of a value take it in parts. Errors: none of its own.
 *
 * @example There and back
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { createAttention, outputs, restore, snapshot } from "@reattend/reattend";
 *
 * const attention = createAttention({ queries: [[1, 2]], keys: [[3, 4], [5, 6]], values: [[7], [8]] });
 * assertEquals(outputs(restore(snapshot(attention))).data, outputs(attention).data);
 * ```
 */
export function snapshot(a: Attention): Uint8Array {
  const memory = openAttention("take a snapshot", a),
    { dim, valueDim, keys, rows, mask } = memory;
  const keySlots = listSlots(keys.slots), querySlots = listSlots(rows.slots);
  const pick = (numbers: Float64Array, slots: Int32Array) =>
    Float64Array.from(slots, (slot) => numbers[slot]);
  const tensors: NamedTensor[] = [
    ...rowTensors("keys", copyRows(keys.keys, keySlots)),
    ...rowTensors("values", copyRows(keys.values, keySlots)),
    {
      name: "biases",
      dtype: "F64",
      shape: [keySlots.length],
      data: Float64Array.from(keySlots, (slot) => biasOf(keys, slot)),
    },
    integers("key_ids", pick(keys.slots.idOf, keySlots)),
    ...rowTensors("queries", copyRows(rows.queries, querySlots)),
    integers("query_ids", pick(rows.slots.idOf, querySlots)),
    ...(mask.kind === "causal"
      ? [integers("positions", pick(rows.positions, querySlots))]
      : []),
    ...(mask.kind === "edges" ? edgeTensors(mask.edges) : []),
  ];
  const bytes = writeSafetensors(tensors, {
    format: FORMAT,
    version: VERSION,
    kernel: KERNEL_ID,
    dim: String(dim),
    value_dim: String(valueDim),
    scale: String(memory.scale),
    representation: keys.representation,
    capacity: memory.capacity === Infinity ? "none" : String(memory.capacity),
    log_bytes: memory.logLimit === undefined ? "auto" : String(memory.logLimit),
    mask: mask.kind,
    method: memory.method?.name ?? "none",
    next_key: String(keys.slots.next),
    next_query: String(rows.slots.next),
    checksum: NO_CHECKSUM,
  });
  return seal(bytes);
}

/**
 * Makes an attention from a {@linkcode snapshot}: every later output has the same bits.
 *
 * Costs the copies; the first read of each row starts over. Errors: a `RangeError` for bytes that are no snapshot, were
 * altered or come from a version of this package whose answers have other bits; a `TypeError` where a mask or a method
 * that could not be stored is not given, or another one.
 *
 * @example Altered bytes are refused
 * ```ts
 * import { assertThrows } from "@std/assert";
 * import { createAttention, restore, snapshot } from "@reattend/reattend";
 *
 * const bytes = snapshot(createAttention({ keys: [[1]], values: [[2]] }));
 * bytes[bytes.length - 1] ^= 1;
 * assertThrows(() => restore(bytes), RangeError, "checksum");
 * ```
 */
export function restore(
  bytes: Uint8Array,
  options: RestoreOptions = {},
): Attention {
  const verb = "restore";
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError(
      `Cannot ${verb}: bytes is ${show(bytes)}, it should be a Uint8Array`,
    );
  }
  checkOptions(verb, options, [
    "mask",
    "logBytes",
    "kernel",
    "representation",
    "method",
  ]);
  const file = readSafetensors(verb, bytes), { metadata } = file;
  if (metadata.format !== FORMAT || metadata.version !== VERSION) {
    throw new RangeError(
      `Cannot ${verb}: the file is ${show(metadata.format)} ${
        show(metadata.version)
      }, it should be a snapshot of version ${VERSION}`,
    );
  }
  verifySeal(verb, bytes);
  if (metadata.kernel !== KERNEL_ID) {
    throw new RangeError(
      `Cannot ${verb}: the kernel is ${show(metadata.kernel)}, it should be ${
        show(KERNEL_ID)
      }`,
    );
  }
  const whole = (name: string, most: number) =>
    checkInteger(verb, name, Number(metadata[name] || NaN), 0, most);
  // Files from before sparse tables do not name their widths: their tables are all dense.
  const width = (name: string, table: string) =>
    metadata[name] === undefined
      ? tensorOf(verb, file, table, 2).shape[1]
      : whole(name, SIDE_LIMIT);
  const dim = width("dim", "keys"), valueDim = width("value_dim", "values");
  const keys = readRows(verb, file, "keys", dim),
    values = readRows(verb, file, "values", valueDim);
  const queries = readRows(verb, file, "queries", dim);
  const capacity = metadata.capacity === "none"
    ? undefined
    : whole("capacity", MOST_KEYS);
  if (keys.rows > (capacity ?? MOST_KEYS)) {
    throw new RangeError(
      `Cannot ${verb}: ${thereAre(keys.rows, "key")}, there should be at most ${
        capacity ?? MOST_KEYS
      }`,
    );
  }
  const { representation = "auto" } = metadata;
  const stored = representations.find((known) => known === representation);
  if (stored === undefined) {
    throw new RangeError(
      `Cannot ${verb}: the representation is ${
        show(representation)
      }, it should be one of ${representations.join(", ")}`,
    );
  }
  const method = checkMethod(verb, options.method)?.name ?? "none";
  const { method: wanted = "none" } = metadata;
  if (method !== wanted) {
    throw new TypeError(
      `Cannot ${verb}: the method is ${show(method)}, it should be ${
        show(wanted)
      } as it was`,
    );
  }
  const attention = createAttention({
    method: options.method,
    dim,
    valueDim,
    scale: Number(metadata.scale || NaN),
    capacity,
    logBytes: options.logBytes !== undefined
      ? options.logBytes
      : metadata.log_bytes === "auto"
      ? undefined
      : whole("log_bytes", Number.MAX_SAFE_INTEGER),
    kernel: options.kernel,
    representation: options.representation === undefined
      ? stored
      : options.representation,
    mask: maskOf(verb, metadata.mask, options.mask),
  });
  const memory = openAttention(verb, attention);
  if (memory.mask.kind === "edges") memory.mask.edges = readEdges(verb, file);
  append(attention, keys, values, {
    ids: integersOf(verb, file, "key_ids"),
    bias: tensorOf(verb, file, "biases", 1).data as Float64Array,
  });
  const position = memory.mask.kind === "causal"
    ? integersOf(verb, file, "positions")
    : undefined;
  watch(attention, queries, {
    ids: integersOf(verb, file, "query_ids"),
    position,
  });
  memory.keys.slots.next = Math.max(
    memory.keys.slots.next,
    whole("next_key", ID_LIMIT),
  );
  memory.rows.slots.next = Math.max(
    memory.rows.slots.next,
    whole("next_query", ID_LIMIT),
  );
  return attention;
}

function maskOf(
  verb: string,
  kind: string | undefined,
  predicate: MaskPredicate | undefined,
) {
  if ((kind === "predicate") !== (predicate !== undefined)) {
    throw new TypeError(
      predicate === undefined
        ? `Cannot ${verb}: the mask was a function, which should be given as mask`
        : `Cannot ${verb}: a mask is given, the mask of the snapshot should stay ${
          show(kind)
        }`,
    );
  }
  if (kind === "edges") return new CsrMatrix(0, 0, [0], [], []);
  if (kind === "causal" || kind === "all" || kind === "predicate") {
    return kind === "causal" ? kind : predicate;
  }
  throw new RangeError(
    `Cannot ${verb}: the mask is ${
      show(kind)
    }, it should be all, causal, predicate or edges`,
  );
}
