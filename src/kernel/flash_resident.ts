/**
 * Keys and values that live in the memory of a WebAssembly kernel, so that stateless attention copies nothing.
 *
 * Each pair has an instance of its own: what a walk needs comes first, room for the largest there can be, then keys and
 * values. So the memory never grows while it is in use, and a view of it stays good until the pair is given back.
 *
 * An engine counts such a memory as a small handle and is in no hurry to collect it, so pairs that are given back are
 * kept, and used again for the next ones. Views of them die then: a memory that "grows" by nothing gets a new buffer.
 *
 * @module
 */

import { furthestEnd, SPARE_NUMBERS, SPARE_ROWS } from "./flash_layout.ts";
import {
  type FlashWasm,
  makeFlash,
  noRoom,
  reserve,
  viewsOf,
} from "./flash_wasm.ts";

/** Keys and values in the memory of an instance of their own. */
export interface Resident {
  flash: FlashWasm;
  /** heads × length × dim, zeros at first. */
  keys: Float32Array<ArrayBuffer>;
  /** heads × length × valueDim, zeros at first. */
  values: Float32Array<ArrayBuffer>;
}

/** Keys and values begin at multiples of it: a line of the cache. */
const LINE = 64;

/** The instance that a buffer is the memory of. */
const owners = new WeakMap<ArrayBufferLike, FlashWasm>();
/** What was given back, of all modules. */
const unused: FlashWasm[] = [];

/** Makes room for keys and values, `heads` times `length` rows of each, in an instance of the same module as `shared`. */
export function makeResident(
  verb: string,
  shared: FlashWasm,
  heads: number,
  length: number,
  dim: number,
  valueDim: number,
): Resident {
  const room = toLine(furthestEnd(shared, length, dim, valueDim));
  const keyNumbers = heads * length * dim;
  const valueNumbers = heads * length * valueDim;
  const valuesAt = toLine(room + (keyNumbers + SPARE_ROWS * dim) * 4);
  const end = valuesAt + (valueNumbers + SPARE_NUMBERS) * 4;
  const used = takeUnused(shared.module, end);
  let flash: FlashWasm;
  try {
    flash = used ?? makeFlash(shared.module);
  } catch {
    throw noRoom(verb, end);
  }
  try {
    reserve(verb, flash, end);
  } catch (error) {
    if (used !== undefined) unused.push(used);
    throw error;
  }
  if (used !== undefined) flash.floats.fill(0, room / 4, end / 4);
  flash.room = room;
  const { buffer } = flash.floats;
  owners.set(buffer, flash);
  return {
    flash,
    keys: new Float32Array(buffer, room, keyNumbers),
    values: new Float32Array(buffer, valuesAt, valueNumbers),
  };
}

/** Takes the memory of a pair back: all views of it are empty from now on. */
export function giveBack({ flash }: Resident): void {
  owners.delete(flash.floats.buffer);
  // Growing makes a new buffer of the same bytes and detaches the old one.
  flash.memory.grow(0);
  Object.assign(flash, viewsOf(flash.memory));
  unused.push(flash);
}

/** The instance of the same module as `flash` that an array lies in, if it is resident. */
export function homeOf(
  flash: FlashWasm,
  { buffer }: Float32Array,
): FlashWasm | undefined {
  const owner = owners.get(buffer);
  return owner?.module === flash.module ? owner : undefined;
}

/** Where an array lies in the memory of an instance, with `spare` numbers behind it that may be read; 0 if it does not. */
export function addressIn(
  flash: FlashWasm,
  { buffer, byteOffset, byteLength }: Float32Array,
  spare: number,
): number {
  const { floats, room } = flash;
  // A view that someone made of the whole memory holds what a walk writes to.
  return buffer === floats.buffer && byteOffset >= room &&
      byteOffset + byteLength + spare * 4 <= floats.byteLength
    ? byteOffset
    : 0;
}

/** Of the instances that are not in use, the smallest that holds so many bytes, or else the largest. */
function takeUnused(
  module: WebAssembly.Module,
  bytes: number,
): FlashWasm | undefined {
  let best = -1, size = 0;
  for (let i = 0; i < unused.length; i++) {
    if (unused[i].module !== module) continue;
    const { byteLength } = unused[i].floats;
    const better = size < bytes
      ? byteLength > size
      : byteLength >= bytes && byteLength < size;
    if (!better) continue;
    best = i;
    size = byteLength;
  }
  return best < 0 ? undefined : unused.splice(best, 1)[0];
}

function toLine(at: number): number {
  return Math.ceil(at / LINE) * LINE;
}
