// Bun's door.
import process from "node:process";

const { open } = await import(process.argv[2]);
const report = await open(process.argv[3]);
const version = process.versions.bun;
console.log(JSON.stringify({ engine: "Bun", version, ...report }));
