// Deno's door.
import { suite } from "./suite.js";

const module = await import(Deno.args[0]);
const version = Deno.version.deno;
console.log(JSON.stringify({ engine: "Deno", version, ...suite(module) }));
