/**
 * The page and its charts: nothing missing is a number, labels stand apart, both kinds of light are served.
 *
 * @module
 */

import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreaterOrEqual,
  assertLessOrEqual,
  assertStringIncludes,
} from "@std/assert";
import { each, plain } from "../../../bench/cab/contestant.ts";
import { exact } from "../../../bench/cab/methods/exact.ts";
import { type Chart, draw } from "../../../bench/cab/chart.ts";
import { LETTER, widthOf } from "../../../bench/cab/chart_parts.ts";
import { runStream } from "../../../bench/cab/edits.ts";
import { STREAMS } from "../../../bench/cab/streams.ts";
import { measureGrowth } from "../../../bench/cab/growth.ts";
import {
  CONTESTANTS,
  MAINTAINED,
  REAL,
  RESTARTED,
} from "../../../bench/cab/methods.ts";
import { readSets, runSet } from "../../../bench/cab/real.ts";
import { Refusal } from "../../../bench/cab/refusals.ts";
import { boardsOf } from "../../../bench/cab/boards.ts";
import { type Findings, page } from "../../../bench/cab/report.ts";
import { charts } from "../../../bench/cab/report_charts.ts";
import {
  type Round,
  runTask,
  type Score,
} from "../../../bench/cab/run_tasks.ts";
import { TASKS } from "../../../bench/cab/tasks.ts";

const HOW = {
  command: "deno task bench:cab",
  date: "2026-01-02",
  machine: "a machine",
  versions: "versions",
  quick: true,
  busy: false,
  length: 64,
  seeds: 1,
};
const EFFORT = { length: 64, seeds: [1], samples: 1 };

Deno.test("page() and charts() of a small run: refusals are sentences, no cell is NaN, no label touches another", () => {
  const findings: Findings = {
    contestants: CONTESTANTS,
    rounds: TASKS.map((task) => runTask(task, CONTESTANTS, EFFORT)),
    real: readSets().slice(0, 1).map((set) =>
      runSet(set, REAL.slice(0, 4), [1])
    ),
    growths: measureGrowth(CONTESTANTS, [16, 32, 64, 128], 1),
    races: STREAMS.slice(0, 1).flatMap((stream) =>
      [1, 10].map((every) =>
        runStream(
          stream,
          { every, reads: 1, rounds: 1 },
          MAINTAINED,
          RESTARTED,
        )
      )
    ),
  };
  const text = page(HOW, findings);
  for (const broken of ["NaN", "undefined", "Infinity", "[object", "null"]) {
    assert(!text.includes(broken), broken);
  }
  assertStringIncludes(
    text,
    "- Performer: Cannot attend: performer is asked not to see the future",
  );
  assertStringIncludes(text, "`deno task bench:cab`, 2026-01-02. a machine");
  const drawn = Object.entries(charts(findings));
  assertEquals(drawn.map(([name]) => name).sort(), [
    "edits_error.svg",
    "edits_time.svg",
    "edits_work.svg",
    "length.svg",
    "real.svg",
    "tasks.svg",
  ]);
  for (const [name, chart] of drawn) {
    assertStringIncludes(text, `](${name})`);
    checkChart(draw(chart));
  }
});

Deno.test("draw() escapes names, cuts long bars and says so, and leaves a word where there is no number", () => {
  const svg = draw({
    title: "a < b & c",
    description: "d",
    columns: 1,
    panels: [{
      kind: "bars",
      title: "panel",
      limit: 2,
      mark: 1,
      bars: [
        { name: "long", value: 9, emphasis: true },
        { name: "none", value: null, emphasis: false },
        { name: "half", value: 1, emphasis: false },
        {
          name: "a name that is much too long to fit there",
          value: 2,
          emphasis: false,
        },
      ],
    }],
  });
  assertStringIncludes(svg, "a &lt; b &amp; c");
  assertStringIncludes(svg, "» 9.000");
  assertStringIncludes(svg, ">refused<");
  const widths = [...svg.matchAll(/class="bar[^>]*width="([\d.]+)"/g)].map((
    [, width],
  ) => Number(width));
  assertEquals(widths.length, 3);
  const [long, half, full] = widths;
  assertEquals(long, full);
  assertAlmostEquals(half, full / 2, 0.1);
  checkChart(svg);
});

Deno.test("draw() puts points where logarithms put them, and no two lines look alike", () => {
  const chart: Chart = {
    title: "t",
    description: "d",
    columns: 2,
    panels: [{
      kind: "lines",
      title: "panel",
      x: "x",
      y: "y",
      series: Array.from({ length: 12 }, (_, at) => ({
        name: `line ${at}`,
        points: [[1, 1], [10, 10], [100, 100 + at]] as const,
      })),
    }],
  };
  const svg = draw(chart);
  const [first] = [...svg.matchAll(/<path d="M([\d. L]+)"[^>]*><title>/g)].map(
    ([, path]) => path.split("L").map((point) => point.split(" ").map(Number)),
  );
  const [[x0, y0], [x1, y1], [x2, y2]] = first;
  assertAlmostEquals(x1, (x0 + x2) / 2, 0.1);
  assertAlmostEquals(y1, (y0 + y2) / 2, 0.1);
  const looks = [...svg.matchAll(/h\d+" (class="line[^/]*)\/>/g)].map((
    [, look],
  ) => look);
  assertEquals(new Set(looks).size, 12);
  checkChart(svg);
});

Deno.test("draw() leaves out numbers of an axis that would touch", () => {
  const svg = draw({
    title: "t",
    description: "d",
    columns: 1,
    panels: [{
      kind: "lines",
      title: "panel",
      x: "x",
      y: "y",
      series: [{
        name: "line",
        points: [[1000, 1], [1001, 2], [1002, 3], [9000, 1]],
      }],
    }],
  });
  assertStringIncludes(svg, ">1000<");
  assert(!svg.includes(">1001<"));
  assertStringIncludes(svg, ">9000<");
  checkChart(svg);
});

Deno.test("runTask() refuses who looks ahead, where nobody may", () => {
  // Adds the last query, which an earlier one cannot know.
  const peeking = plain({
    name: "peeking",
    budget: "all",
    attend: each((head) => {
      const answer = exact(head), last = head.queries.rows - 1;
      for (let i = 0; i < answer.outputs.data.length; i++) {
        answer.outputs.data[i] += head.queries.get(last, 0);
      }
      return answer;
    }),
  });
  for (const task of TASKS) {
    const score = runTask(task, [peeking], EFFORT).scores.peeking;
    const { pattern } = task;
    assertEquals(score instanceof Refusal, pattern[0] === "C", task.name);
    if (score instanceof Refusal) {
      assertEquals(
        score.reason,
        "Cannot score: peeking answers early queries differently when it knows later ones, it should not look ahead",
      );
    }
  }
});

Deno.test("boardsOf() compares contestants by their errors, and leaves out who refuses", () => {
  const score = (toTruth: number): Score => ({
    toTruth,
    toExact: 0,
    topAgreement: 1,
    capturedMass: 1,
    spent: { multiplyAdds: 1, bytes: 1 },
    time: 1,
  });
  const round = (
    at: number,
    ...[a, b, c]: (number | undefined)[]
  ): Round => ({
    task: TASKS[at],
    queries: 1,
    keys: 1,
    scores: Object.fromEntries(
      Object.entries({ a, b, c }).map(([name, error]) => [
        name,
        error === undefined ? new Refusal("no") : score(error),
      ]),
    ),
  });
  const [board] = boardsOf([round(0, 1, 2, 3), round(1, 2, 6, undefined)]);
  assertEquals(board.metrics.map(({ mean }) => mean), [2, 4]);
  assertEquals(board.metrics[0].deviation, 1);
  assertAlmostEquals(board.metrics[1].deviation, Math.sqrt(8), 1e-15);
  // (2 − 1) / 1 and (4 − 2) / √8, and their mean.
  assertAlmostEquals(board.standings.a.index!, (1 + Math.SQRT1_2) / 2, 1e-15);
  assertAlmostEquals(board.standings.b.index!, -Math.SQRT1_2 / 2, 1e-15);
  assertEquals(board.standings.c.index, null);
  assertEquals(board.standings.c.tasks[TASKS[0].name], -1);
});

/** Throws unless a chart is for everybody and its labels are inside and apart. */
function checkChart(svg: string): void {
  assertStringIncludes(svg, 'role="img"');
  assert(/<title id="title">[^<]+<\/title>/.test(svg));
  assert(/<desc id="description">[^<]+<\/desc>/.test(svg));
  assertStringIncludes(svg, "@media (prefers-color-scheme:dark)");
  assert(!/NaN|undefined|Infinity/.test(svg));
  const [, width, height] = /viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(svg)!
    .map(Number);
  const boxes: { text: string; left: number; right: number; base: number }[] =
    [];
  let dx = 0, dy = 0;
  for (
    const [, moveX, moveY, x, y, anchor, kind, text] of svg.matchAll(
      /translate\(([\d.]+) ([\d.]+)\)|<text x="([\d.-]+)" y="([\d.-]+)" text-anchor="(\w+)"(?: class="(\w+)")?>([^<]*)</g,
    )
  ) {
    if (moveX !== undefined) {
      [dx, dy] = [Number(moveX), Number(moveY)];
      continue;
    }
    const size = kind === "title" ? 16 : LETTER, wide = widthOf(text, size);
    const from = anchor === "start" ? 0 : anchor === "end" ? 1 : 0.5;
    const left = dx + Number(x) - from * wide;
    boxes.push({ text, left, right: left + wide, base: dy + Number(y) });
  }
  assert(boxes.length > 0);
  boxes.forEach((box, at) => {
    assertGreaterOrEqual(box.left, 0, box.text);
    assertLessOrEqual(box.right, width, box.text);
    assertGreaterOrEqual(box.base - LETTER, 0, box.text);
    assertLessOrEqual(box.base, height, box.text);
    for (const other of boxes.slice(at + 1)) {
      const apart = Math.abs(box.base - other.base) >= LETTER ||
        box.right <= other.left || other.right <= box.left;
      assert(apart, `${box.text} touches ${other.text}`);
    }
  });
}
