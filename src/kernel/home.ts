/**
 * Where the arrays of an attention live: each by itself, or all in the memory of a WebAssembly instance.
 *
 * A record of typed arrays asks its home to make or to grow one of its fields. In a memory that grows, every view of it
 * dies, so the home keeps a list of all fields it has made and sets them anew: a record is always right, a view taken
 * from it is good until something grows.
 *
 * @module
 */

/** The kinds of arrays that records hold. */
export type Numbers =
  | Float64Array
  | Float32Array
  | Int32Array
  | Uint32Array
  | Uint8Array;

/** Names of the fields of a record that hold arrays. */
export type ArraysOf<Owner> = {
  [Name in keyof Owner]: Owner[Name] extends Numbers ? Name : never;
}[keyof Owner];

/** Makes and grows arrays. */
export interface Home {
  /**
   * Gives the field `name` of `owner` room for `length` numbers of the kind it has; what is there stays, the rest is 0.
   *
   * The owner must have held an array of this home, or an empty one, until now.
   */
  grow<Owner extends object>(
    owner: Owner,
    name: ArraysOf<Owner>,
    length: number,
  ): void;
}

/** Every array by itself, in the care of the engine. */
export const apart: Home = {
  grow<Owner extends object>(
    owner: Owner,
    name: ArraysOf<Owner>,
    length: number,
  ): void {
    const old = owner[name] as Numbers;
    const kind = old.constructor as new (length: number) => Numbers;
    const grown = new kind(length);
    grown.set(old.subarray(0, length));
    Object.assign(owner, { [name]: grown });
  },
};

/** A field of a record and where its numbers lie. */
interface Place {
  owner: object;
  name: PropertyKey;
  kind: new (buffer: ArrayBufferLike, at: number, length: number) => Numbers;
  at: number;
  bytes: number;
  length: number;
}

/** Addresses are multiples of this, and so many bytes behind an array can be read. */
const LINE = 16;
const PAGE = 2 ** 16;
/** A memory grows by a quarter at least: each time all views of it are made anew. */
const SPARE = 4;

/** All arrays in one memory, from `start` on, which nobody else grows. */
export class MemoryHome implements Home {
  readonly #memory: WebAssembly.Memory;
  /** By address. What lies between them is free. */
  readonly #places: Place[] = [];
  readonly #start: number;
  /** Nothing was ever kept from here on: it is zero, and no page of it need be touched. */
  #fresh: number;

  constructor(memory: WebAssembly.Memory, start: number) {
    this.#memory = memory;
    this.#start = this.#fresh = Math.ceil(start / LINE) * LINE;
  }

  grow<Owner extends object>(
    owner: Owner,
    name: ArraysOf<Owner>,
    length: number,
  ): void {
    const old = owner[name] as Numbers;
    const kind = old.constructor as Place["kind"] & {
      BYTES_PER_ELEMENT: number;
    };
    const bytes = LINE *
      (1 + Math.ceil(length * kind.BYTES_PER_ELEMENT / LINE));
    const was = this.#places.findIndex((place) =>
      place.owner === owner && place.name === name
    );
    const place = { owner, name, kind, at: 0, bytes, length };
    const kept = Math.min(old.byteLength, length * kind.BYTES_PER_ELEMENT);
    if (was >= 0) {
      const { at } = this.#places[was];
      const end = this.#places[was + 1]?.at ?? Infinity;
      if (at + bytes <= end) {
        // There is room where it lies.
        this.#reach(at + bytes);
        place.at = at;
        this.#places[was] = place;
        this.#clear(at + kept, at + bytes);
        this.#show(place);
        return;
      }
    }
    const { at, index } = this.#find(bytes);
    this.#reach(at + bytes);
    place.at = at;
    const memory = new Uint8Array(this.#memory.buffer);
    if (was >= 0) {
      const from = this.#places[was].at;
      memory.copyWithin(at, from, from + kept);
      this.#places.splice(was, 1);
    }
    this.#places.splice(was >= 0 && was < index ? index - 1 : index, 0, place);
    this.#clear(at + kept, at + bytes);
    this.#show(place);
  }

  /** The first gap that is large enough, and the place in the list it is at. */
  #find(bytes: number): { at: number; index: number } {
    let at = this.#start;
    for (let index = 0; index < this.#places.length; index++) {
      const place = this.#places[index];
      if (at + bytes <= place.at) return { at, index };
      at = place.at + place.bytes;
    }
    return { at, index: this.#places.length };
  }

  /** Makes the memory reach up to an address. */
  #reach(end: number): void {
    const { byteLength } = this.#memory.buffer;
    if (end <= byteLength) return;
    const needed = Math.ceil((end - byteLength) / PAGE);
    const spare = Math.floor(byteLength / PAGE / SPARE);
    if (!this.#grow(Math.max(needed, spare)) && !this.#grow(needed)) {
      throw new RangeError(
        `Cannot grow memory: ${end} bytes are needed and ${byteLength} are there, fewer or smaller rows should be stored`,
      );
    }
    for (const place of this.#places) this.#show(place);
  }

  #grow(pages: number): boolean {
    try {
      this.#memory.grow(pages);
      return true;
    } catch {
      return false;
    }
  }

  #clear(from: number, to: number): void {
    const used = Math.min(to, this.#fresh);
    if (from < used) {
      new Uint8Array(this.#memory.buffer, from, used - from).fill(0);
    }
    this.#fresh = Math.max(this.#fresh, to);
  }

  #show({ owner, name, kind, at, length }: Place): void {
    Object.assign(owner, { [name]: new kind(this.#memory.buffer, at, length) });
  }
}
