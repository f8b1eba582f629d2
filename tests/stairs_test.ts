/**
 * The house is kept: imports in `src/` go down the stairs, `mod.ts` holds no code, no chance and no clock come in
 * except by argument, and nothing lies about at the top of the repository.
 *
 * @module
 */

import { assertEquals } from "@std/assert";

/** Lowest first; rooms on one step do not see each other. */
const STAIRS = [
  ["check", "random"],
  ["rows"],
  ["kernel"],
  ["matrix"],
  ["softmax"],
  ["memory"],
  ["sync"],
  ["answer"],
  ["file"],
  ["attention"],
  ["method"],
  ["change"],
  ["read"],
  ["inspect"],
  ["snapshot"],
  ["stream", "shard", "store", "layer", "explain", "plot"],
  ["mod"],
  ["workerd"],
];

/** None of these imports another. */
const METHODS = ["smyrf", "nystrom", "blocks", "top_k", "pruned"]
  .map((name) => `src/method/${name}.ts`);

const PACKAGES = ["ml-matrix"];
/** The sources of the kernels are of another language, and what compiles them is no part of the module. */
const BUILT = /^src\/kernel\/(assembly\/|build\.ts$)/;
const FORBIDDEN = ["Math.random", "Date.now", "performance.now"];
const TOP_LEVEL = [
  ".ci",
  ".gitignore",
  "LICENSE",
  "README.md",
  "bench",
  "deno.json",
  "deno.lock",
  "examples",
  "mod.ts",
  "src",
  "tests",
];

/** A file of the tree, its path from the top of the repository. */
interface SourceFile {
  path: string;
  source: string;
}

/** What breaks the house, one sentence each. */
function violations(files: SourceFile[]): string[] {
  return files.flatMap(({ path, source }) => {
    const code = withoutComments(source);
    const found = imports(code).flatMap((specifier) =>
      refusal(path, specifier) ?? []
    );
    if (stepOf(path) === -1) found.push("is in no room of the stairs");
    if (path === "mod.ts") {
      const rest = code.replace(REEXPORT, "").trim();
      if (rest !== "") found.push(`holds code: ${rest.split("\n")[0]}`);
    }
    for (const name of FORBIDDEN) {
      const [object, field] = name.split(".");
      const use = new RegExp(`\\b${object}\\s*(\\?\\.|\\.)\\s*${field}\\b`);
      if (use.test(code)) found.push(`uses ${name}`);
    }
    return found.map((what) => `${path} ${what}`);
  });
}

/** Why a file may not import this, or undefined where it may. */
function refusal(path: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) {
    return PACKAGES.includes(specifier)
      ? undefined
      : `imports ${specifier}, the only package is ${PACKAGES}`;
  }
  if (!/\.(ts|js|wasm)(\?module)?$/.test(specifier)) {
    return `imports ${specifier} without its extension`;
  }
  const target = new URL(specifier, `file:///${path}`).pathname.slice(1);
  if (BUILT.test(target)) return `imports ${specifier}, which is built from`;
  const step = stepOf(target);
  if (step === -1) return `imports ${specifier}, which is in no room`;
  if (METHODS.includes(path) && METHODS.includes(target)) {
    return `imports ${specifier}, another method`;
  }
  if (roomOf(path) === roomOf(target) || step < stepOf(path)) return undefined;
  return `imports ${specifier}, which is not below it`;
}

/** `src/kernel/wasm.ts` is in kernel, `src/read.ts` in read. */
function roomOf(path: string): string | undefined {
  return path === "mod.ts"
    ? "mod"
    : /^src\/(\w+)(\/|\.(?:d\.ts|ts|js)$)/.exec(path)?.[1];
}

function stepOf(path: string): number {
  const room = roomOf(path);
  return STAIRS.findIndex((rooms) => rooms.some((name) => name === room));
}

const STRING =
  /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`/.source;
const COMMENT = /\/\*[\s\S]*?\*\/|\/\/[^\n]*/.source;

/** The code alone; what looks like a comment inside a string stays. */
function withoutComments(source: string): string {
  return source.replace(
    new RegExp(`(${STRING})|${COMMENT}`, "g"),
    (_, string) => string ?? " ",
  );
}

/** `export … from "…"` */
const REEXPORT = /\bexport\b[\w$\s{},*]*?\bfrom\s*(["'])[^"'\n]+\1\s*;?/g;

/** `import … from "…"`, `import type …`, `export … from "…"`, `import "…"` */
const STATIC =
  /\b(?:import|export)\b(?:[\w$\s{},*]*?\bfrom)?\s*(["'])([^"'\n]+)\1/g;

/** `import(…)`, also in a type */
const DYNAMIC = /(?<!\.)\bimport\s*\(\s*([^)]*?)\s*[,)]/g;

/** The specifiers that code imports; of a computed one, its expression in parentheses. */
function imports(code: string): string[] {
  return [
    ...[...code.matchAll(STATIC)].map((match) => match[2]),
    ...[...code.matchAll(DYNAMIC)].map(([, argument]) =>
      /^(["'])([^"'\n]+)\1$/.exec(argument)?.[2] ?? `(${argument})`
    ),
  ];
}

/** Entries at the top that were not agreed; what git ignores does not count. */
function strangers(entries: string[], ignored: string): string[] {
  const known = new Set([
    ".git",
    ...TOP_LEVEL,
    ...ignored.split("\n").map((line) => line.trim().replace(/\/$/, "")),
  ]);
  return entries.filter((entry) => !known.has(entry));
}

const root = new URL("../", import.meta.url);

function read(directory: string): SourceFile[] {
  return [...Deno.readDirSync(new URL(directory, root))].flatMap((entry) => {
    const path = `${directory}${entry.name}`;
    if (entry.isDirectory) return read(`${path}/`);
    if (!/\.[mc]?[jt]sx?$/.test(path) || BUILT.test(path)) return [];
    return [{ path, source: Deno.readTextFileSync(new URL(path, root)) }];
  });
}

Deno.test("src/ and mod.ts keep to the stairs", () => {
  const source = Deno.readTextFileSync(new URL("mod.ts", root));
  const files = [...read("src/"), { path: "mod.ts", source }];
  assertEquals(violations(files), []);
  const paths = files.map(({ path }) => path);
  assertEquals(paths.includes("src/check.ts"), true);
});

/** Paths below a directory that are neither source nor what sources are built to or explained by. */
function leftovers(directory: string): string[] {
  return [...Deno.readDirSync(new URL(directory, root))].flatMap((entry) => {
    const path = `${directory}${entry.name}`;
    if (entry.isDirectory) return leftovers(`${path}/`);
    return /\.(ts|js|wasm|md)$/.test(path) ? [] : [path];
  });
}

Deno.test("src/ holds sources and nothing that was left over", () => {
  assertEquals(leftovers("src/"), []);
});

Deno.test("the top of the repository holds what was agreed", () => {
  const entries = [...Deno.readDirSync(root)].map(({ name }) => name);
  const ignored = Deno.readTextFileSync(new URL(".gitignore", root));
  assertEquals(strangers(entries, ignored), []);
});

Deno.test("violations() lets the agreed house stand", () => {
  assertEquals(
    violations([
      {
        path: "mod.ts",
        source: [
          '/** ```ts\n * import { x } from "@reattend/reattend";\n * ``` */',
          'export { append, type Options } from "./src/change.ts";',
          'export type {\n  Id,\n} from "./src/check.ts"; // ids',
          'export * from "./src/explain/heat.ts";',
        ].join("\n"),
      },
      {
        path: "src/memory/log.ts",
        source: [
          'import { Matrix } from "ml-matrix";',
          'import type { Id } from "../check.ts";',
          'import { slots } from "./slots.ts";',
          'import * as kernel from "../kernel/kernel.ts";',
          'const url = "http://x"; // Math.random(), import "./y"',
          'const importance = `from "x"`, from = "../read.ts";',
          'export const exported = { from: "y" };',
          'const where = import.meta.resolve("nowhere");',
        ].join("\n"),
      },
    ]),
    [],
  );
});

Deno.test("violations() finds an import that does not go down", () => {
  const upward = (path: string, source: string) =>
    assertEquals(violations([{ path, source }]), [
      `${path} imports ${/["'](\.[^"']+)["']/.exec(source)![1]}, ` +
      "which is not below it",
    ]);
  upward("src/kernel/wasm.ts", 'import { x } from "../matrix/dense.ts";');
  upward("src/kernel/wasm.ts", "import { x } from '../matrix/dense.ts'");
  upward("src/check.ts", 'import type { Random } from "./random.ts";');
  upward("src/change.ts", 'export { outputs } from "./read.ts";');
  upward("src/change.ts", 'export * from "./read.ts";');
  upward("src/change.ts", 'import "./read.ts";');
  upward("src/change.ts", 'const read = await import("./read.ts");');
  upward("src/change.ts", 'type Read = import("./read.ts").Read;');
  upward("src/change.ts", 'import {\n  a,\n  b as c,\n} from "./read.ts";');
  upward("src/change.ts", 'import a, { type B } from "./read.ts";');
  upward("src/change.ts", 'const x = "/*"; import "./read.ts"; // */');
  upward("src/change.ts", 'const x = 1; /* " */ import "./read.ts";');
  upward("src/stream/window.ts", 'import { shard } from "../shard/merge.ts";');
  upward("src/snapshot.ts", 'import { append } from "../mod.ts";');
});

Deno.test("violations() finds what is outside, unnamed or computed", () => {
  const only = (path: string, source: string, sentence: string) =>
    assertEquals(violations([{ path, source }]), [`${path} ${sentence}`]);
  only(
    "src/read.ts",
    'import { assert } from "@std/assert";',
    "imports @std/assert, the only package is ml-matrix",
  );
  only(
    "src/read.ts",
    'import fs from "node:fs";',
    "imports node:fs, the only package is ml-matrix",
  );
  only(
    "src/read.ts",
    'import { x } from "./change";',
    "imports ./change without its extension",
  );
  only(
    "src/read.ts",
    'import { x } from "../tests/model.ts";',
    "imports ../tests/model.ts, which is in no room",
  );
  only(
    "src/read.ts",
    "const x = await import(name);",
    "imports (name), the only package is ml-matrix",
  );
  only(
    "src/method/smyrf.ts",
    'import { landmarks } from "./nystrom.ts";',
    "imports ./nystrom.ts, another method",
  );
  only("src/utils/array.ts", "", "is in no room of the stairs");
  only("src/helpers.ts", "", "is in no room of the stairs");
});

Deno.test("violations() finds code in mod.ts, and chance and clocks", () => {
  const found = violations([
    {
      path: "mod.ts",
      source: 'export { a } from "./src/read.ts";\nexport const b = 1;',
    },
    { path: "src/read.ts", source: "const x = Math.random();" },
    { path: "src/change.ts", source: "const x = `${Date.now()}`;" },
    { path: "src/snapshot.ts", source: "const x = performance\n  .now();" },
  ]);
  assertEquals(found, [
    "mod.ts holds code: export const b = 1;",
    "src/read.ts uses Math.random",
    "src/change.ts uses Date.now",
    "src/snapshot.ts uses performance.now",
  ]);
});

Deno.test("strangers() are entries neither agreed nor ignored", () => {
  const entries = [".git", "src", ".tools", "dist", "notes.md", "package.json"];
  assertEquals(strangers(entries, ".tools/\ndist\n"), [
    "notes.md",
    "package.json",
  ]);
});
