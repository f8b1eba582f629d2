/**
 * What a change costs, beside starting over.
 *
 * @module
 */

import { outputs, stats } from "@reattend/reattend";
import type { Errors } from "./audit.ts";
import { afresh } from "./compare.ts";
import type { Lived } from "./live.ts";
import type { Memory } from "./memory.ts";
import {
  count,
  say,
  type Screen,
  small,
  table,
  tell,
  time,
  title,
} from "./show.ts";

/** Bytes of a 32-bit float. */
const FLOAT = 4;
const MEGA = 1e6;

/** Shows what the changes cost, what starting over would have, and how exact the answers are. */
export function showBill(
  screen: Screen,
  memory: Memory,
  { times, each, rivals, restarted, bound }: Lived,
  errors: Errors,
): void {
  const { attention, standing } = memory;
  const fresh = afresh(memory);
  outputs(fresh);
  const work = stats(fresh).multiplyAdds;
  title(screen, "What a change costs");
  // Of constant width, so that the figures of a seed stand where they stood.
  const took = (milliseconds: number) => time(milliseconds).padStart(11);
  const ratio = (large: number, one: number) => {
    const times = large / one;
    return `${times < 9.95 ? times.toFixed(1) : count(times)} ×`.padStart(7);
  };
  table(screen, [
    ["", "median", "", "multiply-adds", ""],
    [
      `a change, ${standing.length} answers up to date and read`,
      took(times.all),
      ratio(1, 1),
      count(each.multiplyAdds),
      ratio(1, 1),
    ],
    ["   to note it", took(times.write), "", "", ""],
    ["   to bring all answers up to date", took(times.flush), "", "", ""],
    ["   to read them, each with its bound", took(times.read), "", "", ""],
    ...rivals.map(({ name, time: median }) => [
      `starting over ${name}`,
      took(median),
      ratio(median, times.all),
      count(work),
      ratio(work, each.multiplyAdds),
    ]),
  ]);
  say(screen, "");
  tell(
    screen,
    "A change costs the same however many definitions are held, but for the few answers that must be started over; starting over costs more with each.",
  );
  const numbers = attention.size * (attention.dim + attention.valueDim) +
    standing.length * attention.dim;
  const facts: [string, string][] = [
    [
      "definitions weighed again, per answer and change",
      `${each.exchanged.toFixed(2)} of ${Math.round(each.definitions)}`,
    ],
    ["answers that the memory itself had to start over", count(restarted)],
    ["largest error, measured against the definition", small(errors.measured)],
    ["largest error possible, as certified at the end", small(errors.bound)],
    ["largest error possible, as certified on the way", small(bound)],
    [
      "memory held, of which keys, values and words",
      `${mega(stats(attention).bytes)}, ${mega(FLOAT * numbers)}`,
    ],
  ];
  const width = Math.max(...facts.map(([what]) => what.length));
  say(screen, "");
  for (const [what, figure] of facts) {
    say(screen, `${what.padEnd(width)}   ${figure}`);
  }
}

function mega(bytes: number): string {
  return `${(bytes / MEGA).toFixed(2)} MB`;
}
