// Deno's door.
const { open } = await import(Deno.args[0]);
const report = await open(Deno.args[1]);
const version = Deno.version.deno;
console.log(JSON.stringify({ engine: "Deno", version, ...report }));
