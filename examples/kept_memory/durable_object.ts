/**
 * A memory in a Cloudflare Durable Object: changes are logged as they come, and a snapshot is taken now and then.
 *
 * A change is plain data. Each list of changes is stored as it came, which costs what the list is long, however large
 * the memory. After some lists a snapshot takes their place. To wake up is to restore the snapshot and apply the lists
 * behind it: ids and answers come out the same, to the last bit. A list too long for a value is not logged; a snapshot
 * is taken at once.
 *
 * @module
 */

import {
  apply,
  attend,
  type Attention,
  type Change,
  createAttention,
  restore,
  snapshot,
  topKeys,
} from "../../mod.ts";
import { cut, join, PART_BYTES } from "./parts.ts";

/** What is needed of a `DurableObjectState`. Writes with no `await` between them are carried out all or none. */
export interface ObjectState {
  storage: {
    list<Value>(options: { prefix: string }): Promise<Map<string, Value>>;
    put(key: string, value: unknown): Promise<void>;
    delete(key: string): Promise<boolean>;
  };
  blockConcurrencyWhile<Result>(
    callback: () => Promise<Result>,
  ): Promise<Result>;
}

const DIM = 3, VALUE_DIM = 2;
/** The oldest memories make room. */
const CAPACITY = 10_000;
/** Lists of changes that are logged before a snapshot takes their place. */
const LISTS = 100;
/** Digits of numbers in keys, since the store lists keys in the order of their letters. */
const DIGITS = 8;
/** What is thrown at those who ask for what cannot be. It says why in a sentence, and nothing has changed. */
const REFUSALS = [TypeError, RangeError, SyntaxError];

/** One memory. `POST /changes` takes a list of changes as JSON, `POST /ask` a query: `{ query, count }`. */
export class Memory {
  readonly #storage: ObjectState["storage"];
  #attention: Attention = createAttention({
    dim: DIM,
    valueDim: VALUE_DIM,
    capacity: CAPACITY,
  });
  #lists = 0;
  #parts = 0;

  constructor(state: ObjectState) {
    this.#storage = state.storage;
    // No request is let in before the memory is there.
    state.blockConcurrencyWhile(() => this.#wake());
  }

  async fetch(request: Request): Promise<Response> {
    const text = await request.text();
    try {
      const asked = JSON.parse(text);
      if (new URL(request.url).pathname === "/changes") {
        const ids = apply(this.#attention, asked as Change[]);
        this.#note(text);
        return Response.json(ids);
      }
      const { query, count = 3 } = asked as { query: number[]; count?: number };
      return Response.json({
        output: attend(this.#attention, query).to1DArray(),
        ...topKeys(this.#attention, query, count)[0],
      });
    } catch (error) {
      if (REFUSALS.some((kind) => error instanceof kind)) {
        return Response.json({ error: (error as Error).message }, {
          status: 400,
        });
      }
      throw error;
    }
  }

  async #wake(): Promise<void> {
    const parts = await this.#storage.list<Uint8Array>({ prefix: "part:" });
    if (parts.size > 0) this.#attention = restore(join([...parts.values()]));
    const lists = await this.#storage.list<string>({ prefix: "list:" });
    for (const text of lists.values()) apply(this.#attention, JSON.parse(text));
    this.#parts = parts.size;
    this.#lists = lists.size;
  }

  /** Nothing is awaited: the object holds its response back until what it wrote is safe. */
  #note(text: string): void {
    if (this.#lists < LISTS && text.length <= PART_BYTES) {
      this.#storage.put(keyOf("list", this.#lists++), text);
      return;
    }
    const parts = cut(snapshot(this.#attention));
    parts.forEach((part, at) => this.#storage.put(keyOf("part", at), part));
    for (let at = parts.length; at < this.#parts; at++) {
      this.#storage.delete(keyOf("part", at));
    }
    for (let at = 0; at < this.#lists; at++) {
      this.#storage.delete(keyOf("list", at));
    }
    this.#parts = parts.length;
    this.#lists = 0;
  }
}

function keyOf(kind: "list" | "part", at: number): string {
  return `${kind}:${String(at).padStart(DIGITS, "0")}`;
}

/** What is bound to the worker in its configuration. */
interface Bindings {
  MEMORIES: {
    idFromName(name: string): unknown;
    get(id: unknown): { fetch(request: Request): Promise<Response> };
  };
}

/** Hands each request to the memory of the user that it names: `?user=…`. */
const worker = {
  fetch(request: Request, { MEMORIES }: Bindings): Promise<Response> {
    const user = new URL(request.url).searchParams.get("user") ?? "nobody";
    return MEMORIES.get(MEMORIES.idFromName(user)).fetch(request);
  },
};
export default worker;
