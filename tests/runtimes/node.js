// Node's door. Where there is no Node, `deno task` lends its own name to it.
import process from "node:process";

const { node: version, deno, bun } = process.versions;
if (deno ?? bun) throw new Error("Cannot open the door: this is not Node");
const { open } = await import(process.argv[2]);
const report = await open(process.argv[3]);
console.log(JSON.stringify({ engine: "Node", version, ...report }));
