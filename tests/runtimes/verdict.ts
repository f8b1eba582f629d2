/**
 * What the doors reported, judged: each must have run the whole script, and all must have seen the same bits.
 *
 * A door that reports nothing counts as one failure under its own name: a runtime that is missing is never skipped.
 *
 * @module
 */

/** The line a door prints. */
export interface Report {
  engine: string;
  version: string;
  /** The kernel that the engine chose. */
  kernel: string;
  results: { name: string; ok: boolean; message: string }[];
  /** FNV-1a of what must have the same bits, 16 hexadecimal digits: by what was read and the kernel that was asked. */
  digests: Record<string, string>;
  /** What else there is to say. */
  note?: string;
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
    if (
      report?.engine && report.version && report.kernel && report.results &&
      report.digests
    ) {
      return report as Report;
    }
  } catch {
    // Not JSON: refused below like JSON of another form.
  }
  return `printed ${JSON.stringify(line)}, it should be a report`;
}

/** Judges all visits; `committed` are the digests, by their name or by its first word. */
export function judge(
  visits: readonly Visit[],
  committed: Readonly<Record<string, string>>,
): Verdict {
  const table = [["door", "engine", "kernel", "passed", "failed", "seen"]];
  const failures: string[] = [];
  let passed = 0;
  const fail = (door: string, name: string, message: string) =>
    failures.push(`FAILED ${door}: ${name}: ${message}`);
  const reports = visits.map(({ report }) => report).filter((report) =>
    typeof report !== "string"
  );
  const most = Math.max(0, ...reports.map(({ results }) => results.length));
  for (const { door, report } of visits) {
    if (typeof report === "string") {
      table.push([door, "-", "-", "0", "1", "-"]);
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
      fail(door, "script", `ran ${ran} tests, it should run ${most || "some"}`);
    }
    table.push([
      door,
      `${report.engine} ${report.version}`,
      report.kernel,
      String(report.results.filter(({ ok }) => ok).length),
      String(failures.length - before),
      report.note ?? [...new Set(Object.values(report.digests))].join(" "),
    ]);
  }
  if (visits.length === 0) fail("all", "doors", "there are none");
  const names = new Set(reports.flatMap(({ digests }) => Object.keys(digests)));
  for (const name of Object.keys(committed)) {
    if (![...names].some((word) => word.startsWith(name))) names.add(name);
  }
  for (const name of names) {
    const seen = new Set(
      visits.map(({ report }) =>
        typeof report === "string" ? "none" : report.digests[name] ?? "none"
      ),
    );
    const should = committed[name] ?? committed[name.split(" ")[0]] ??
      "committed";
    if (seen.size === 1 && seen.has(should)) passed++;
    else {
      fail(
        "all",
        `same bits, ${name}`,
        `digests are ${[...seen].join(", ")}, they should be ${should}`,
      );
    }
  }
  return {
    lines: [...columns(table), ...failures],
    passed,
    failed: failures.length,
  };
}

/** The lines of a table. */
export function columns(table: string[][]): string[] {
  const widths = table[0].map((_, at) =>
    Math.max(...table.map((row) => row[at].length))
  );
  return table.map((row) =>
    row.map((cell, at) => cell.padEnd(widths[at])).join("  ").trimEnd()
  );
}
