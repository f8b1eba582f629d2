import { assertEquals, assertStringIncludes } from "@std/assert";
import { judge, readReport, type Report } from "./verdict.ts";

const good: Report = {
  engine: "Engine",
  version: "1.2.3",
  results: [
    { name: "one", ok: true, message: "" },
    { name: "two", ok: true, message: "" },
  ],
  digest: "00000000000000ff",
};

Deno.test("judge() passes doors that ran everything and saw the same bits", () => {
  const { passed, failed, lines } = judge([
    { door: "a", report: good },
    { door: "b", report: good },
  ]);
  assertEquals([passed, failed], [5, 0]);
  assertEquals(
    lines[1],
    "a     Engine 1.2.3  2       0       00000000000000ff",
  );
});

Deno.test("judge() fails a digest that differs", () => {
  const other = { ...good, digest: "00000000000000fe" };
  const { passed, failed, lines } = judge([
    { door: "a", report: good },
    { door: "b", report: other },
  ]);
  assertEquals([passed, failed], [4, 1]);
  assertStringIncludes(
    lines.join("\n"),
    "FAILED all: same bits: digests are 00000000000000ff, 00000000000000fe, they should be one",
  );
});

Deno.test("judge() fails a test that failed, under its door and name", () => {
  const results = [good.results[0], { name: "two", ok: false, message: "no" }];
  const { passed, failed, lines } = judge([
    { door: "a", report: { ...good, results } },
  ]);
  assertEquals([passed, failed], [2, 1]);
  assertStringIncludes(lines.join("\n"), "FAILED a: two: no");
});

Deno.test("judge() fails a door without a report, and the bits that it did not show", () => {
  const { passed, failed, lines } = judge([
    { door: "a", report: good },
    { door: "b", report: "b is not there" },
  ]);
  assertEquals([passed, failed], [2, 2]);
  assertStringIncludes(lines.join("\n"), "FAILED b: no report: b is not there");
});

Deno.test("judge() fails a door that ran fewer tests than the others, or none", () => {
  const fewer = { ...good, results: good.results.slice(1) };
  const none = { ...good, results: [] };
  assertEquals(
    judge([{ door: "a", report: good }, { door: "b", report: fewer }]).failed,
    1,
  );
  assertEquals(judge([{ door: "a", report: none }]).failed, 1);
  assertEquals(judge([]).failed, 1);
});

Deno.test("readReport() takes the last line and refuses anything but a report", () => {
  assertEquals(readReport(`noise\n${JSON.stringify(good)}\n`), good);
  assertEquals(readReport(""), 'printed "", it should be a report');
  assertEquals(readReport("null"), 'printed "null", it should be a report');
  assertEquals(readReport("{}"), 'printed "{}", it should be a report');
});
