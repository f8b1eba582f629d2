// Node's door. Where there is no Node, `deno task` lends its own name to it.
import process from "node:process";
import { suite } from "./suite.js";

const { node: version, deno, bun } = process.versions;
if (deno ?? bun) throw new Error("Cannot open the door: this is not Node");
const module = await import(process.argv[2]);
console.log(JSON.stringify({ engine: "Node", version, ...suite(module) }));
