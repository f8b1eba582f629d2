/**
 * What the doors reported, judged: each must have run the whole suite, and all must have seen the same bits.
 *
 * A door that reports nothing counts as one failure under its own name: a runtime that is missing is never skipped.
 *
 * @module
 */

/** The line a door prints. */
export interface Report {
  engine: string;
  version: string;
  results: { name: string; ok: boolean; message: string }[];
  /** FNV-1a of every maintained read, 16 hexadecimal digits. */
  digest: string;
}

/** A door, and its report or why there is none. */
export interface Visit {
  door: string;
  report: Report | string;
}

/** The judgement: a table and the failures, and how many checks passed and failed. */
export interface Verdict {
  lines: string[];
  passed: number;
  failed: number;
}

/** Reads the report out of what a door printed, its last line. */
export function readReport(printed: string): Report | string {
  const line = printed.trimEnd().split("\n").at(-1) ?? "";
  try {
    const report = JSON.parse(line) as Partial<Report> | null;
    if (report?.engine && report.version && report.results && report.digest) {
      return report as Report;
    }
  } catch {
    // Not JSON: refused below like JSON of another form.
  }
  return `printed ${JSON.stringify(line)}, it should be a report`;
}

/** Judges all visits. */
export function judge(visits: readonly Visit[]): Verdict {
  const table = [["door", "engine", "passed", "failed", "digest"]];
  const failures: string[] = [];
  let passed = 0;
  let most = 0;
  const fail = (door: string, name: string, message: string) =>
    failures.push(`FAILED ${door}: ${name}: ${message}`);
  for (const { report } of visits) {
    if (typeof report !== "string") {
      most = Math.max(most, report.results.length);
    }
  }
  for (const { door, report } of visits) {
    if (typeof report === "string") {
      table.push([door, "-", "0", "1", "-"]);
      fail(door, "no report", report);
      continue;
    }
    const before = failures.length;
    for (const { name, ok, message } of report.results) {
      if (ok) passed++;
      else fail(door, name, message);
    }
    const ran = report.results.length;
    if (ran === 0 || ran < most) {
      fail(door, "suite", `ran ${ran} tests, it should run ${most || "some"}`);
    }
    table.push([
      door,
      `${report.engine} ${report.version}`,
      String(report.results.filter(({ ok }) => ok).length),
      String(failures.length - before),
      report.digest,
    ]);
  }
  const digests = new Set(
    visits.map(({ report }) =>
      typeof report === "string" ? "none" : report.digest
    ),
  );
  if (digests.size === 1 && !digests.has("none")) passed++;
  else {
    fail(
      "all",
      "same bits",
      `digests are ${[...digests].join(", ") || "none"}, they should be one`,
    );
  }
  return {
    lines: [...columns(table), "", ...failures],
    passed,
    failed: failures.length,
  };
}

function columns(table: string[][]): string[] {
  const widths = table[0].map((_, at) =>
    Math.max(...table.map((row) => row[at].length))
  );
  return table.map((row) =>
    row.map((cell, at) => cell.padEnd(widths[at])).join("  ").trimEnd()
  );
}
