/**
 * onnxruntime-node, told what to do by `child.ts`: lines of JSON in and out, bytes behind them.
 */

import { createRequire } from "node:module";
import process from "node:process";

const require = createRequire(`${process.argv[2]}/package.json`);

let pending = Buffer.alloc(0);
const input = process.stdin[Symbol.asyncIterator]();
async function more() {
  const { value, done } = await input.next();
  if (done) process.exit(0);
  return value;
}
async function line() {
  while (!pending.includes(10)) {
    pending = Buffer.concat([pending, await more()]);
  }
  const end = pending.indexOf(10), text = pending.toString("utf8", 0, end);
  pending = pending.subarray(end + 1);
  return text;
}
async function take(count) {
  const parts = [pending];
  let length = pending.length;
  while (length < count) {
    const chunk = await more();
    parts.push(chunk);
    length += chunk.length;
  }
  const all = Buffer.concat(parts);
  pending = all.subarray(count);
  return Uint8Array.from(all.subarray(0, count)).buffer;
}
function write(reply, bytes) {
  process.stdout.write(`${JSON.stringify(reply)}\n`);
  if (bytes !== undefined) process.stdout.write(bytes);
}

let ways = {};
const verbs = {
  hello() {
    const ort = require("onnxruntime-node");
    const { version } = require("onnxruntime-node/package.json");
    if (ort.InferenceSession === undefined) throw new Error("no sessions");
    write({
      versions: { node: process.versions.node, "onnxruntime-node": version },
    });
  },
  async load({ n, m, dim, valueDim, models, bytes }) {
    const { InferenceSession, Tensor } = require("onnxruntime-node");
    const numbers = new Float32Array(await take(bytes));
    const queries = numbers.subarray(0, n * dim);
    const keys = numbers.subarray(n * dim, (n + m) * dim);
    const values = numbers.subarray((n + m) * dim);
    if (values.length !== m * valueDim) throw new Error("rows are missing");
    ways = {};
    for (const { name, model, ...shapes } of models) {
      const session = await InferenceSession.create(
        Buffer.from(model, "base64"),
        {
          executionProviders: ["cpu"],
          intraOpNumThreads: 1,
          interOpNumThreads: 1,
        },
      );
      const inputs = {
        queries: new Tensor("float32", queries, shapes.queries),
        keys: new Tensor("float32", keys, shapes.keys),
        values: new Tensor("float32", values, shapes.values),
      };
      ways[name] = () => session.run(inputs);
    }
    write({});
  },
  async answer({ way }) {
    const { output } = await ways[way]();
    const numbers = Float64Array.from(output.data);
    write({ bytes: numbers.byteLength }, new Uint8Array(numbers.buffer));
  },
  async time({ way, calls, clock }) {
    const run = ways[way], now = clocks[clock], start = now();
    for (let i = 0; i < calls; i++) await run();
    write({ ns: now() - start });
  },
};

const clocks = {
  wall: () => Number(process.hrtime.bigint()),
  processor() {
    const { user, system } = process.cpuUsage();
    return (user + system) * 1000;
  },
};

while (true) {
  const request = JSON.parse(await line());
  try {
    await verbs[request.do](request);
  } catch (error) {
    write({ error: error.message });
  }
}
