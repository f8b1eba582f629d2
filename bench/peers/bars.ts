/**
 * The bars: ratios and limits that are promised, and whether what was measured keeps them.
 *
 * @module
 */

/** A promise. */
export interface Bar {
  /** What is measured, as `÷ numpy`. */
  measure: string;
  /** Whether more is better. */
  better: "more" | "less";
  /** What must hold; nothing is promised if left out. */
  bar?: number;
  /** What is aimed at. */
  stretch?: number;
  /** The unit of all three; a plain ratio if left out. */
  unit?: string;
}

/** A promise and what was measured: a number, or why there is none. */
export interface Claim extends Bar {
  value: number | string;
}

/** What became of a promise; what has no bar is only compared. */
export type Verdict = "stretch" | "met" | "missed" | "not measured" | "no bar";

/** Whether a promise holds. */
export function verdictOf({ value, better, bar, stretch }: Claim): Verdict {
  if (typeof value === "string") return "not measured";
  const holds = (limit: number) =>
    better === "more" ? value >= limit : value <= limit;
  if (stretch !== undefined && holds(stretch)) return "stretch";
  if (bar === undefined) return "no bar";
  return holds(bar) ? "met" : "missed";
}

/** Whether we come out behind a peer: a ratio of speeds below 1. */
export function isLost({ value, measure, better }: Claim): boolean {
  return measure.includes("÷") && better === "more" &&
    typeof value === "number" && value < 1;
}

/** A promise that more is better. */
export function atLeast(
  measure: string,
  value: Claim["value"],
  bar?: number,
  stretch?: number,
  unit?: string,
): Claim {
  return { measure, value, better: "more", bar, stretch, unit };
}

/** A promise that less is better. */
export function atMost(
  measure: string,
  value: Claim["value"],
  bar?: number,
  stretch?: number,
  unit?: string,
): Claim {
  return { measure, value, better: "less", bar, stretch, unit };
}
