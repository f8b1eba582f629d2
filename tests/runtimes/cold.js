// A start: the time from before the import of a bundle to its first answer, in a process that did nothing else.
import process from "node:process";

const [url, question, ...loaded] = process.argv.slice(2);
const KEYS = 1024;
const DIM = 64;

// What is there already: data, and what the host brings along.
const wave = (count, step) =>
  Float32Array.from({ length: count }, (_, at) => Math.sin(step * at));
const query = wave(DIM, 0.7), keys = wave(KEYS * DIM, 0.9);
const values = wave(KEYS * DIM, 1.1);
for (const other of loaded) await import(other);

const ANSWERS = {
  "nothing": () => 0,
  "stateless": (module) => {
    const tensor = (data) => ({
      data,
      shape: [1, 1, data.length / DIM, DIM],
    });
    return module.scaledDotProductAttention(
      tensor(query),
      tensor(keys),
      tensor(values),
    ).output.data[0];
  },
  "maintained": (module) =>
    module.outputs(
      module.createAttention({ queries: query, keys, values, dim: DIM }),
    ).data[0],
};

const start = performance.now(), used = process.cpuUsage();
const answer = ANSWERS[question](await import(url));
const wall = performance.now() - start;
const { user, system } = process.cpuUsage(used);
console.log(
  JSON.stringify({ wall, processor: (user + system) / 1000, answer }),
);
