/**
 * What the same memory costs, stored sparsely and stored densely: what was measured, wherever it points.
 *
 * @module
 */

import { type Attention, stats } from "@reattend/reattend";
import type { Errors } from "../semantic_memory/audit.ts";
import {
  count,
  say,
  type Screen,
  small,
  table,
  tell,
  time,
  title,
} from "../semantic_memory/show.ts";
import { type Memory, type Side, SIDES } from "./memory.ts";
import { keysTold } from "./record.ts";
import { anew, type Lived, type Price } from "./twins.ts";

const KILO = 1e3;
/** Bytes of a number, of a column and of the place where a row starts. */
const WORD = 4;

/** Shows bytes, multiply-adds and milliseconds of both. */
export function showBill(
  screen: Screen,
  memory: Memory,
  { prices, bound }: Lived,
  errors: Record<Side, Errors>,
): void {
  const { attentions, standing } = memory;
  title(screen, "The same memory, stored sparsely and densely");
  const keys = keysTold(memory);
  const bare = {
    sparse: WORD * (2 * keys.nonZeros + keys.rows + 1),
    dense: WORD * keys.rows * keys.columns,
  };
  // Of constant width, so that the figures of a seed stand where they stood.
  const took = (milliseconds: number) => time(milliseconds).padStart(11);
  const line = (
    what: string,
    figure: (side: Side) => number,
    show: (figure: number) => string,
  ) => [what, ...SIDES.map((side) => show(figure(side))), ratio(figure)];
  const work = (what: string, of: (price: Price) => number) =>
    line(what, (side) => of(prices[side]), count);
  const clock = (what: string, of: (price: Price) => number) =>
    line(what, (side) => of(prices[side]), took);
  table(screen, [
    ["", "sparse", "dense", "dense : sparse"],
    line("bytes that the keys themselves need", (side) => bare[side], kilo),
    line(
      "bytes held, questions and sums included",
      (side) => stats(attentions[side]).bytes,
      kilo,
    ),
    work("a change, multiply-adds", ({ multiplyAdds }) => multiplyAdds),
    clock(
      `a change, ${standing.length} answers up to date and read`,
      ({ times }) => times.all,
    ),
    clock("   to note it", ({ times }) => times.write),
    clock("   to bring all answers up to date", ({ times }) => times.flush),
    clock("   to read them, each with its bound", ({ times }) => times.read),
    work("starting over, multiply-adds", ({ anew }) => anew.multiplyAdds),
    clock("starting over", ({ anew }) => anew.time),
  ]);
  say(screen, "");
  tell(
    screen,
    "Times are medians. Below 1 in the last column, the dense one was cheaper. The multiply-adds that the sparse one is spared are products with 0.",
  );
  const both = (error: keyof Errors) =>
    SIDES.map((side) => small(errors[side][error])).join(" and ");
  const kept = (attention: Attention) => {
    const { sparse, dense } = stats(attention).blocks;
    return `${sparse} of ${sparse + dense}`;
  };
  const facts = [
    [
      "keys and votes kept as what is not 0 in them",
      SIDES.map((side) => kept(attentions[side])).join(" and "),
    ],
    [
      "the same, where the library is left to choose",
      kept(anew(memory, "auto")()),
    ],
    ["largest error, measured against the definition", both("measured")],
    ["largest error possible, as certified at the end", both("bound")],
    ["largest error possible, as certified on the way", small(bound)],
  ];
  const width = Math.max(...facts.map(([what]) => what.length));
  say(screen, "");
  for (const [what, figure] of facts) {
    say(screen, `${what.padEnd(width)}   ${figure}`);
  }
}

function ratio(figure: (side: Side) => number): string {
  const times = figure("dense") / figure("sparse");
  const digits = times < 0.995 ? 2 : times < 9.95 ? 1 : 0;
  return `${times.toFixed(digits)} ×`.padStart(7);
}

function kilo(bytes: number): string {
  return `${count(bytes / KILO)} kB`;
}
