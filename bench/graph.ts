/**
 * A mask that is a graph: what do a key, an edge and a read of one row cost where each row sees few of many keys?
 *
 * @module
 */

import {
  admit,
  type Attention,
  createAttention,
  CsrMatrix,
  flush,
  outputs,
  stats,
  update,
  watch,
} from "@reattend/reattend";
import { seeded } from "../src/random.ts";
import { definition, refuseUnless } from "./check.ts";
import { digits, once, type Question, run, table, time } from "./measure.ts";
import { makeProblem, normals, type Problem } from "./problem.ts";

const ROWS = 100_000, DIM = 16;
/** Edges of a row: uniform from the one to the other. */
const LEAST = 10, MOST = 50;
/** New rows for keys, taken in turn. */
const SPARE = 64;

/** Rows and keys, and who may attend to whom. */
interface Graph {
  problem: Problem;
  mask: CsrMatrix;
}

/** Every row has its edges to keys at random, none twice. */
function makeGraph(): Graph {
  const { integer } = seeded(41), starts = [0], keys: number[] = [];
  for (let row = 0; row < ROWS; row++) {
    const seen = new Set<number>();
    const count = LEAST + integer(MOST - LEAST + 1);
    while (seen.size < count) seen.add(integer(ROWS));
    for (const key of [...seen].sort((a, b) => a - b)) keys.push(key);
    starts.push(keys.length);
  }
  const ones = new Float32Array(keys.length).fill(1);
  return {
    problem: makeProblem(42, ROWS, ROWS, DIM),
    mask: new CsrMatrix(ROWS, ROWS, starts, keys, ones),
  };
}

function attentionOf({ problem, mask }: Graph): Attention {
  const { queries, keys, values } = problem;
  return createAttention({
    dim: DIM,
    valueDim: DIM,
    queries,
    keys,
    values,
    mask,
  });
}

/** The keys of a row. */
function keysOf({ mask }: Graph, row: number): number[] {
  return [...mask.row(row).indices];
}

/** Throws unless some rows are what the definition makes of the keys that they see, to 32 bits. */
function check(graph: Graph, attention: Attention): void {
  const { queries, keys, values } = graph.problem;
  for (const row of [0, ROWS >> 1, ROWS - 1]) {
    const seen = keysOf(graph, row);
    const pick = (rows: Float32Array) => {
      const picked = new Float32Array(seen.length * DIM);
      seen.forEach((key, at) =>
        picked.set(rows.subarray(key * DIM, (key + 1) * DIM), at * DIM)
      );
      return picked;
    };
    const truth = definition({
      n: 1,
      m: seen.length,
      dim: DIM,
      valueDim: DIM,
      queries: queries.subarray(row * DIM, (row + 1) * DIM),
      keys: pick(keys),
      values: pick(values),
    }, [0]);
    const bounds = new Float64Array(1);
    const { data } = outputs(attention, { ids: row, bounds });
    for (let c = 0; c < DIM; c++) {
      refuseUnless(Math.abs(data[c] - truth[c]) <= bounds[0], `row ${row}`);
    }
  }
}

/** A job, its time in µs and its multiply-adds. */
interface Cost {
  job: string;
  micros: number;
  multiplyAdds: number;
}

function measure(graph: Graph, attention: Attention): Cost[] {
  const numbers = normals(43, SPARE * DIM), { integer } = seeded(44);
  const ids = Array.from({ length: ROWS }, (_, id) => id);
  let turn = 0;
  const write = () => {
    const at = (turn++ % SPARE) * DIM, row = numbers.subarray(at, at + DIM);
    update(attention, integer(ROWS), { keys: row, values: row });
  };
  const edge = () => {
    const query = integer(ROWS), key = keysOf(graph, query)[0];
    admit(attention, [[query, key]], false);
    flush(attention);
    admit(attention, [[query, key]]);
    flush(attention);
  };
  const jobs: Record<
    string,
    { before?: () => void; run: () => void; jobs?: number }
  > = {
    "`update` of a key and its value": { run: write },
    "`update` and `flush`": {
      run() {
        write();
        flush(attention);
      },
    },
    "`admit` of an edge and `flush`": { run: edge, jobs: 2 },
    "`outputs` of a row, nothing changed": {
      run: () => outputs(attention, { ids: integer(ROWS) }),
    },
    "`update` of a key, `outputs` of a row that sees it": {
      run() {
        const row = integer(ROWS), at = (turn++ % SPARE) * DIM;
        const numbersOf = numbers.subarray(at, at + DIM);
        update(attention, keysOf(graph, row)[0], {
          keys: numbersOf,
          values: numbersOf,
        });
        outputs(attention, { ids: row });
      },
    },
    "all rows started over: `watch` and `flush`": {
      run() {
        watch(attention, graph.problem.queries, { ids });
        flush(attention);
      },
    },
  };
  return Object.entries(jobs).map(([job, { run: once, jobs = 1 }]) => {
    flush(attention);
    let runs = 0;
    const before = stats(attention).multiplyAdds;
    const contestant = {
      run() {
        once();
        runs++;
      },
      jobs,
    };
    const took = run({ title: job, ways: { ours: () => contestant } });
    const spent = stats(attention).multiplyAdds - before;
    return { job, micros: took.ours, multiplyAdds: spent / (runs * jobs) };
  });
}

/** Attention over a graph. */
export const question: Question = {
  title: "A mask that is a graph",
  answer() {
    const graph = once(makeGraph)(), edges = graph.mask.indices.length;
    const attention = attentionOf(graph);
    const unread = stats(attention).bytes;
    flush(attention);
    check(graph, attention);
    const held = stats(attention).bytes;
    const costs = measure(graph, attention);
    const mebibytes = (bytes: number) => `${digits(bytes / 2 ** 20)} MiB`;
    return `${ROWS} queries and as many keys, dim = valueDim = ${DIM}, each query with ${LEAST} to ${MOST} edges to keys at random, ${edges} in all: a \`CsrMatrix\` given as the mask. Some rows are compared with the definition over the keys that they see.

${
      table(
        ["job", "time", "multiply-adds"],
        costs.map(({ job, micros, multiplyAdds }) => [
          job,
          time(micros),
          digits(multiplyAdds),
        ]),
      )
    }

It holds ${mebibytes(held)} (${
      mebibytes(unread)
    } before the first read), of which keys, values and queries are ${
      mebibytes(3 * 4 * ROWS * DIM)
    }, the sums of all rows ${
      mebibytes(2 * 8 * ROWS * DIM)
    }; a mask of one bit for every pair would take ${
      mebibytes(ROWS * ROWS / 8)
    }, the weights of all edges alone ${
      mebibytes(8 * edges)
    } and those of all pairs ${mebibytes(8 * ROWS * ROWS)}.`;
  },
};
