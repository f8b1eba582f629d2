import { assertEquals, assertStringIncludes } from "@std/assert";
import { judge, readReport, type Report } from "./verdict.ts";

const good: Report = {
  engine: "Engine",
  version: "1.2.3",
  kernel: "simd",
  results: [
    { name: "one", ok: true, message: "" },
    { name: "two", ok: true, message: "" },
  ],
  digests: { "kept auto": "ff", "kept scalar": "ff", "once": "0d" },
};
const COMMITTED = { "kept": "ff", "once": "0d" };

Deno.test("judge() passes doors that ran everything and saw the committed bits", () => {
  const { passed, failed, lines } = judge([
    { door: "a", report: good },
    { door: "b", report: good },
  ], COMMITTED);
  assertEquals([passed, failed], [7, 0]);
  assertEquals(
    lines[1],
    "a     Engine 1.2.3  simd    2       0       ff 0d",
  );
});

Deno.test("judge() shows what else a door has to say", () => {
  const { lines } = judge([
    { door: "a", report: { ...good, digests: {}, note: "5 MiB" } },
  ], {});
  assertEquals(lines[1], "a     Engine 1.2.3  simd    2       0       5 MiB");
});

Deno.test("judge() fails a digest that differs, in one door or in all", () => {
  const digests = { ...good.digests, "kept scalar": "fe" };
  const other = { ...good, digests };
  const { passed, failed, lines } = judge([
    { door: "a", report: good },
    { door: "b", report: other },
  ], COMMITTED);
  assertEquals([passed, failed], [6, 1]);
  assertStringIncludes(
    lines.join("\n"),
    "FAILED all: same bits, kept scalar: digests are ff, fe, they should be ff",
  );
  const alike = judge([{ door: "a", report: other }], COMMITTED);
  assertEquals([alike.passed, alike.failed], [4, 1]);
});

Deno.test("judge() fails a digest that a door lacks, that none has, or that is not committed", () => {
  const fewer = { ...good, digests: { "kept auto": "ff", "once": "0d" } };
  const { lines } = judge([
    { door: "a", report: good },
    { door: "b", report: fewer },
  ], COMMITTED);
  assertStringIncludes(
    lines.join("\n"),
    "FAILED all: same bits, kept scalar: digests are ff, none, they should be ff",
  );
  const none = judge([{ door: "a", report: { ...good, digests: {} } }], {
    "kept": "ff",
  });
  assertStringIncludes(
    none.lines.join("\n"),
    "FAILED all: same bits, kept: digests are none, they should be ff",
  );
  const more = judge([{ door: "a", report: good }], { "kept": "ff" });
  assertStringIncludes(
    more.lines.join("\n"),
    "FAILED all: same bits, once: digests are 0d, they should be committed",
  );
});

Deno.test("judge() asks for no digest of a script that has none", () => {
  const { passed, failed } = judge([
    { door: "a", report: { ...good, digests: {} } },
  ], {});
  assertEquals([passed, failed], [2, 0]);
});

Deno.test("judge() fails a test that failed, under its door and name", () => {
  const results = [good.results[0], { name: "two", ok: false, message: "no" }];
  const { passed, failed, lines } = judge([
    { door: "a", report: { ...good, results } },
  ], COMMITTED);
  assertEquals([passed, failed], [4, 1]);
  assertStringIncludes(lines.join("\n"), "FAILED a: two: no");
});

Deno.test("judge() fails a door without a report, and the bits that it did not show", () => {
  const { passed, failed, lines } = judge([
    { door: "a", report: good },
    { door: "b", report: "b is not there" },
  ], COMMITTED);
  assertEquals([passed, failed], [2, 4]);
  assertStringIncludes(lines.join("\n"), "FAILED b: no report: b is not there");
});

Deno.test("judge() fails a door that ran fewer tests than the others, or none", () => {
  const fewer = { ...good, results: good.results.slice(1) };
  const none = { ...good, digests: {}, results: [] };
  assertEquals(
    judge(
      [{ door: "a", report: good }, { door: "b", report: fewer }],
      COMMITTED,
    ).failed,
    1,
  );
  assertEquals(judge([{ door: "a", report: none }], {}).failed, 1);
  assertEquals(judge([], {}).failed, 1);
});

Deno.test("readReport() takes the last line and refuses anything but a report", () => {
  assertEquals(readReport(`noise\n${JSON.stringify(good)}\n`), good);
  assertEquals(readReport(""), 'printed "", it should be a report');
  assertEquals(readReport("null"), 'printed "null", it should be a report');
  assertEquals(readReport("{}"), 'printed "{}", it should be a report');
});
