// Bun's door.
import process from "node:process";
import { suite } from "./suite.js";

const module = await import(process.argv[2]);
const version = process.versions.bun;
console.log(JSON.stringify({ engine: "Bun", version, ...suite(module) }));
