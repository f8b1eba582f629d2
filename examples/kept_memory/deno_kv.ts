/**
 * A memory that outlives its process: snapshots in Deno KV,
 * `deno run --unstable-kv examples/kept_memory/deno_kv.ts`.
 *
 * A snapshot is written under a version of its own, part by part, and the name is pointed at that version last. So
 * whoever reads after a crash half way finds the old snapshot whole, and whoever reads meanwhile the old or the new one.
 *
 * @module
 */

import {
  type Attention,
  createAttention,
  outputs,
  restore,
  snapshot,
  update,
} from "../../mod.ts";
import { cut, join } from "./parts.ts";

/** What is needed of a `Deno.Kv`. */
export interface KeyValues {
  get(key: readonly KeyPart[]): Promise<{ value: unknown }>;
  set(key: readonly KeyPart[], value: unknown): Promise<unknown>;
  delete(key: readonly KeyPart[]): Promise<void>;
  list(
    of: { prefix: readonly KeyPart[] },
  ): AsyncIterable<{ key: readonly unknown[] }>;
}
type KeyPart = string | number;

/** What a name points at. */
interface Kept {
  version: string;
  parts: number;
}

/** Writes a memory under a name, in place of what was there. One process at a time should write to a name. */
export async function keep(
  kv: KeyValues,
  name: string,
  memory: Attention,
): Promise<void> {
  const version = crypto.randomUUID();
  const parts = cut(snapshot(memory));
  await Promise.all(parts.map((part, at) => kv.set([name, version, at], part)));
  await kv.set([name], { version, parts: parts.length } satisfies Kept);
  // The version before, and what a crash left behind.
  for await (const { key } of kv.list({ prefix: [name] })) {
    if (key[1] !== version) await kv.delete(key as readonly KeyPart[]);
  }
}

/** Reads the memory of a name; undefined where there is none. Its answers have the bits of the one that was kept. */
export async function recall(
  kv: KeyValues,
  name: string,
): Promise<Attention | undefined> {
  let last: string | undefined;
  while (true) {
    const kept = (await kv.get([name])).value as Kept | null;
    if (kept === null) return undefined;
    const { version } = kept;
    const parts = await Promise.all(
      Array.from(
        { length: kept.parts },
        async (_, at) =>
          (await kv.get([name, version, at])).value as Uint8Array | null,
      ),
    );
    if (parts.every((part) => part !== null)) return restore(join(parts));
    // Somebody has written a newer version meanwhile.
    if (version === last) {
      throw new Error(
        `Cannot recall ${name}: version ${version} lacks a part, it should be whole`,
      );
    }
    last = version;
  }
}

if (import.meta.main) {
  const { openKv } = Deno as unknown as {
    openKv(path: string): Promise<KeyValues & { close(): void }>;
  };
  const kv = await openKv(":memory:");
  const rows = (columns: number, count: number) =>
    Array.from(
      { length: count },
      (_, row) =>
        Array.from({ length: columns }, (_, column) => Math.sin(row + column)),
    );
  const memory = createAttention({
    keys: rows(64, 1000),
    values: rows(8, 1000),
    queries: rows(64, 3),
  });
  await keep(kv, "memory", memory);
  update(memory, 7, { values: rows(8, 1) });
  await keep(kv, "memory", memory);
  const recalled = await recall(kv, "memory");
  const same = outputs(recalled!).data.every((x, at) =>
    x === outputs(memory).data[at]
  );
  console.log(
    `${recalled!.size} keys in ${
      cut(snapshot(memory)).length
    } parts; the same answers to the last bit: ${same}`,
  );
  kv.close();
}
