/**
 * Peers in processes of their own: numpy, scipy and torch under Python, onnxruntime-node under Node.
 *
 * A child reads a line of JSON from its input, `bytes` bytes behind it if the line names them, does as it is told and
 * answers the same way. It times itself, on one thread, and is idle until it is asked.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import type { Problem } from "../problem.ts";
import { clockInUse, type ClockName } from "./clock.ts";
import { INSTALLED } from "./install.ts";
import { modelsOf } from "./onnx.ts";
import { Absent, messageOf, type Opening, type Way, Wrong } from "./race.ts";
import { prove, type Truth } from "./truth.ts";

/** What is asked of a child; its ways are what it has loaded last. */
export type Request =
  | { do: "hello" }
  | { do: "load"; what: string; bytes: number; [shape: string]: unknown }
  | { do: "answer"; way: string }
  | { do: "time"; way: string; calls: number; clock: ClockName };

/** What a child says. */
interface Reply {
  error?: string;
  /** Behind the line. */
  bytes?: number;
  /** To "time". */
  ns?: number;
  /** To "hello". */
  versions?: Record<string, string>;
  /** To "hello": kernels that the processor can run and OpenBLAS has not chosen. */
  core?: string;
}

/** A peer in another process. */
export interface Child {
  name: string;
  versions: Record<string, string>;
  /** Kernels of OpenBLAS that it could be started with instead. */
  core?: string;
  ask(
    request: Request,
    bytes?: Uint8Array[],
  ): Promise<{ reply: Reply; bytes: Uint8Array }>;
  close(): Promise<void>;
}

/** The children that are there, and why others are not. */
export type Children = Record<ChildName, Child | Absent>;
const CHILDREN = [
  "numpy",
  "numpy, AVX-512",
  "torch",
  "torch, AVX-512",
  "onnxruntime-node",
] as const;
export type ChildName = typeof CHILDREN[number];

const FILE = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Python's are asked for in turn; the first that has the package is taken. */
const PYTHONS = ["python3", "/usr/bin/python3"];

/** One thread each; and memory that was had is kept, for pages fresh from the system can cost torch ten times its work. */
const STEADY = {
  OPENBLAS_NUM_THREADS: "1",
  OMP_NUM_THREADS: "1",
  MKL_NUM_THREADS: "1",
  MALLOC_MMAP_MAX_: "0",
  MALLOC_TRIM_THRESHOLD_: String(2 ** 32),
};

/** Starts all children. */
export async function startChildren(): Promise<Children> {
  const children: Partial<Children> = {};
  for (const peer of ["numpy", "torch"] as const) {
    const commands = PYTHONS.map((python) => [python, FILE("child.py"), peer]);
    const child = await start(peer, commands, STEADY);
    children[peer] = child;
    children[`${peer}, AVX-512`] = await startAgain(child, commands);
  }
  const name = "onnxruntime-node";
  children[name] = await start(
    name,
    [["node", FILE("child.mjs"), INSTALLED]],
    STEADY,
  );
  return children as Children;
}

/** OpenBLAS knows some processors by name only; the same child with the kernels it might have chosen. */
function startAgain(
  child: Child | Absent,
  commands: string[][],
): Absent | Promise<Child | Absent> {
  if (child instanceof Absent) return child;
  const { name, core } = child;
  if (core === undefined) {
    return new Absent("OpenBLAS has chosen the best kernels by itself");
  }
  const env = { ...STEADY, OPENBLAS_CORETYPE: core };
  return start(`${name}, AVX-512`, commands, env);
}

async function start(
  name: string,
  commands: string[][],
  env: Record<string, string>,
): Promise<Child | Absent> {
  const reasons: string[] = [];
  for (const command of commands) {
    try {
      return await open(name, command, env);
    } catch (error) {
      reasons.push(`${command[0]}: ${messageOf(error)}`);
    }
  }
  return new Absent(reasons.join("; "));
}

/** Starts a child and hears its versions. */
async function open(
  name: string,
  [command, ...args]: string[],
  env: Record<string, string>,
): Promise<Child> {
  const child = new Deno.Command(command, {
    args,
    env,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const input = child.stdin.getWriter();
  const output = new Pipe(child.stdout);
  const ask: Child["ask"] = async (request, bytes = []) => {
    await input.write(new TextEncoder().encode(`${JSON.stringify(request)}\n`));
    for (const part of bytes) await input.write(part);
    const reply: Reply = JSON.parse(await output.line());
    if (reply.error !== undefined) throw new Error(reply.error);
    return { reply, bytes: await output.take(reply.bytes ?? 0) };
  };
  const close = async () => {
    await input.close();
    await child.status;
  };
  try {
    const { reply: { versions = {}, core } } = await ask({ do: "hello" });
    return { name, versions, core, ask, close };
  } catch (error) {
    await input.abort().catch(() => undefined);
    await child.status;
    throw error;
  }
}

/** A stream of bytes that is read by lines and by counts. */
export class Pipe {
  #reader: ReadableStreamDefaultReader<Uint8Array>;
  /** What was read and not taken, or nothing. */
  #rest: Uint8Array = new Uint8Array(0);

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** The next line, without its end. */
  async line(): Promise<string> {
    const parts: Uint8Array[] = [];
    while (true) {
      const chunk = await this.#next();
      const end = chunk.indexOf(NEWLINE);
      if (end < 0) {
        parts.push(chunk);
        continue;
      }
      parts.push(chunk.subarray(0, end));
      this.#rest = chunk.subarray(end + 1);
      return new TextDecoder().decode(joined(parts));
    }
  }

  /** The next so many bytes. */
  async take(count: number): Promise<Uint8Array> {
    const all = new Uint8Array(count);
    for (let at = 0; at < count;) {
      const chunk = await this.#next(), part = chunk.subarray(0, count - at);
      all.set(part, at);
      at += part.length;
      this.#rest = chunk.subarray(part.length);
    }
    return all;
  }

  async #next(): Promise<Uint8Array> {
    const rest = this.#rest;
    this.#rest = new Uint8Array(0);
    if (rest.length > 0) return rest;
    const { value, done } = await this.#reader.read();
    if (done) throw new Absent("the process ends");
    return value;
  }
}

const NEWLINE = 10;

function joined(parts: Uint8Array[]): Uint8Array {
  const all = new Uint8Array(
    parts.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** One way of a child that has loaded what it needs; its answer is proved. */
export async function childWay(
  child: Child,
  way: string,
  proved: (answer: Float64Array) => number | void,
): Promise<Way> {
  const { bytes } = await child.ask({ do: "answer", way });
  const error = proved(new Float64Array(bytes.buffer)) ?? undefined;
  return {
    error,
    async time(calls) {
      const { reply } = await child.ask(
        { do: "time", way, calls, clock: clockInUse() },
      );
      if (reply.ns === undefined) throw new Wrong(`${child.name} has no time`);
      return reply.ns;
    },
  };
}

/** The attention of a problem by a child, in the ways that it has; the problem is sent once. */
export function childAttention(
  children: Partial<Children>,
  problem: Problem,
  truth: () => Truth,
): Record<string, Opening> {
  const { n, m, dim, valueDim, queries, keys, values } = problem;
  const ways: Record<string, Opening> = {};
  for (const [name, child] of Object.entries(children)) {
    const models = name === "onnxruntime-node" ? modelsOf(problem) : undefined;
    let sent: Promise<unknown> | undefined;
    const send = async (child: Child) => {
      const rows = [queries, keys, values].map(bytesOf);
      const shapes = models &&
        Object.entries(models).map(([name, { bytes, ...shapes }]) => ({
          name,
          model: bytes.toBase64(),
          ...shapes,
        }));
      await child.ask({
        do: "load",
        what: "attention",
        ...{ n, m, dim, valueDim, models: shapes },
        bytes: rows.reduce((sum, { length }) => sum + length, 0),
      }, rows);
    };
    const names = models === undefined ? [""] : Object.keys(models);
    for (const way of names) {
      ways[way === "" ? name : `${name}, ${way}`] = async () => {
        if (child instanceof Absent) throw child;
        await (sent ??= send(child));
        return childWay(child, way, (answer) => prove(answer, truth()));
      };
    }
  }
  return ways;
}

/** The bytes of an array. */
export function bytesOf(numbers: Float32Array | Float64Array): Uint8Array {
  return new Uint8Array(
    numbers.buffer,
    numbers.byteOffset,
    numbers.byteLength,
  );
}
