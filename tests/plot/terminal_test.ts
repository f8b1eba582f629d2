import { assert, assertEquals } from "@std/assert";
import { coloursOf } from "../../src/plot/colour.ts";
import {
  difference,
  heatMap,
  type HeatMapOptions,
  sideBySide,
  toTerminal,
} from "../../src/plot/mod.ts";
import { levelOf } from "../../src/plot/scale.ts";
import { columnsOf, cut, wrap } from "../../src/plot/terminal_text.ts";
import { type Random, seeded } from "../../src/random.ts";
import { anything, refuses } from "../refusals.ts";

const ESCAPE = "\x1b";

Deno.test("toTerminal() without colour draws five shades, and says what they mean", () => {
  const map = heatMap([[0, 0.25, 0.5], [0.75, 1, NaN]], {
    title: "Five shades",
    rowLabel: (id) => ["one", "two"][id],
  });
  assertEquals(
    toTerminal(map, { colour: false }),
    [
      "Five shades",
      "",
      "one   ░░▒▒",
      "two ▓▓██··",
      "    0 1 2",
      "",
      "row ↓ column →",
      "value:",
      "0 [  ░░▒▒▓▓██] 1",
      "·· no number",
      "",
    ].join("\n"),
  );
});

Deno.test("toTerminal() without colour shows signs", () => {
  const map = difference([[0, 0, 0, 0]], [[1, -1, 0, -0.5]]);
  const lines = toTerminal(map, { colour: false }).split("\n");
  assertEquals(lines[0], "0 +█−█  −▒");
  assertEquals(lines[5], "−1 [−█−▓−▒−░  +░+▒+▓+█] +1");
});

Deno.test("toTerminal() with colour draws two cells in a character, each in its colour", () => {
  const map = heatMap(
    Array.from(
      { length: 5 },
      (_, row) =>
        Array.from({ length: 40 }, (_, at) => row === 2 ? NaN : row * 40 + at),
    ),
  );
  for (const theme of ["light", "dark"] as const) {
    const lines = toTerminal(map, { colour: true, width: 48, theme }).split(
      "\n",
    );
    const colours = coloursOf("sequential", theme);
    for (let line = 0; line < 3; line++) {
      const cells = readCells(lines[line].slice(2));
      assertEquals(cells.length, 40);
      cells.forEach(([over, under], column) => {
        for (const [half, colour] of [over, under].entries()) {
          const row = 2 * line + half;
          if (row === 2) continue;
          const expected = row > 4
            ? "49"
            : colours[levelOf(map.scale, map.cells[row * 40 + column])].join();
          assertEquals(colour, expected, `${row} ${column}`);
        }
      });
      assert(lines[line].endsWith(`${ESCAPE}[0m`));
    }
    // Rows are named where they begin: of two in a line, the upper one.
    assertEquals(lines.slice(0, 3).map((line) => line.slice(0, 2)), [
      "0 ",
      "2 ",
      "4 ",
    ]);
  }
});

Deno.test("toTerminal() enlarges cells that have room, and names every row then", () => {
  const map = heatMap([[0, 1], [2, 3], [4, 5]]);
  const lines = toTerminal(map, { colour: true }).split("\n");
  // Four columns and two lines a cell.
  assertEquals(lines.slice(0, 6).map((line) => line[0]), [
    "0",
    " ",
    "1",
    " ",
    "2",
    " ",
  ]);
  const cells = readCells(lines[2].slice(2));
  assertEquals(cells.length, 8);
  assertEquals(new Set(cells.slice(0, 4).flat()).size, 1);
  assert(`${cells[3]}` !== `${cells[4]}`);
});

Deno.test("toTerminal() is no wider than it may be, and says what it pooled", () => {
  const random = seeded(9);
  for (let turn = 0; turn < 150; turn++) {
    const width = 48 + random.integer(90), colour = turn % 2 === 0;
    const rows = random.integer(12), columns = random.integer(200);
    const maps = [1, 2].map(() => {
      const options: HeatMapOptions = {
        title: text(random),
        rowLabel: () => text(random),
        columnLabel: () => text(random),
        rowTitle: text(random),
      };
      const size = 10 ** (random.integer(300) - 250);
      const matrix = Array.from(
        { length: rows },
        () => Array.from({ length: columns }, () => random.normal() * size),
      );
      return heatMap(matrix, { ...options, scale: "diverging" });
    });
    const drawn = toTerminal(sideBySide(maps, { title: text(random) }), {
      width,
      colour,
    });
    assertEquals(drawn.includes(ESCAPE), colour);
    for (const line of drawn.split("\n")) {
      const shown = plain(line);
      assert(
        columnsOf(shown) <= width,
        `${turn}: ${columnsOf(shown)} of ${width}: ${shown}`,
      );
    }
    const pooled = rows > 0 && (colour ? columns : 2 * columns) >= width;
    if (pooled) {
      assert(/Each cell\s+here\s+is\s+the\s+mean\s+of/.test(drawn), `${turn}`);
    }
  }
});

Deno.test("toTerminal() pools as the map was pooled", () => {
  const numbers = [
    Float64Array.from({ length: 96 }, (_, at) => Number(at % 16 === 0)),
  ];
  const shades = (pool: "mean" | "max") =>
    toTerminal(heatMap(numbers, { pool, range: [0, 1] }), {
      colour: false,
      width: 48,
    })
      .split("\n")[0];
  assert(shades("max").includes("██"));
  assert(!shades("mean").includes("██"));
});

Deno.test("toTerminal() lets no label command the terminal", () => {
  const hostile = `${ESCAPE}[2J\u0007\u009b31m\u202e\r\n\ud800`;
  const map = heatMap([[1]], {
    title: hostile,
    rowTitle: hostile,
    columnTitle: hostile,
    unit: hostile,
    rowLabel: () => hostile,
    columnLabel: () => hostile,
  });
  const drawn = toTerminal(map, { colour: false });
  // deno-lint-ignore no-control-regex
  assert(!/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800]/.test(drawn));
});

Deno.test("toTerminal() asks Deno first, then the environment of a process, for NO_COLOR", () => {
  const map = heatMap([[1]]);
  const coloured = () => toTerminal(map).includes(ESCAPE);
  const globals = globalThis as unknown as Record<string, unknown>;
  const kept = ["Deno", "process"].map((name) =>
    [name, Object.getOwnPropertyDescriptor(globals, name)!] as const
  );
  const pretend = (deno: unknown, process: unknown) => {
    for (const [name, value] of Object.entries({ Deno: deno, process })) {
      Object.defineProperty(globals, name, { value, configurable: true });
    }
    return coloured();
  };
  const forbidden = {
    get env(): never {
      throw new Error("a prompt");
    },
  };
  let seen: boolean[];
  try {
    seen = [
      pretend({ noColor: true }, forbidden),
      pretend({ noColor: false }, forbidden),
      pretend(undefined, { env: { NO_COLOR: "1" } }),
      pretend(undefined, { env: { NO_COLOR: "" } }),
      pretend(undefined, { env: {} }),
      pretend(undefined, undefined),
    ];
  } finally {
    for (const [name, own] of kept) Object.defineProperty(globals, name, own);
  }
  assertEquals(seen, [false, true, false, true, true, true]);
});

Deno.test("columnsOf(), cut() and wrap() count columns, not characters", () => {
  assertEquals(columnsOf("ab漢🦉e\u0301"), 7);
  assertEquals(columnsOf("𠮷野家"), 6);
  assertEquals(cut("abcdef", 6), "abcdef");
  assertEquals(cut("abcdefg", 6), "abcde…");
  assertEquals(cut("漢漢漢漢", 6), "漢漢…");
  assertEquals(wrap("one two three", 7), ["one two", "three"]);
  assertEquals(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
  assertEquals(wrap("", 4), [""]);
});

Deno.test("toTerminal() refuses what is no map, and options that are none", () => {
  const verb = "Cannot draw in a terminal: ", map = heatMap([[1]]);
  refuses(
    () => toTerminal(anything(1)),
    TypeError,
    verb + "map is 1, it should be a heat map",
  );
  refuses(
    () => toTerminal(map, { colour: 1 as never }),
    TypeError,
    verb + "colour is 1, it should be true or false",
  );
  refuses(
    () => toTerminal(map, { width: 47 }),
    RangeError,
    verb + "width is 47, it should be a whole number from 48 to 4096",
  );
  refuses(
    () => toTerminal(map, { theme: "x" as never }),
    TypeError,
    verb + 'theme is "x", it should be "dark" or "light"',
  );
  refuses(
    () => toTerminal(map, { color: true } as never),
    TypeError,
    verb + 'unknown option "color", it should be one of colour, width, theme',
  );
});

/** The colours of the cells of a line, upper and lower. */
function readCells(line: string): string[][] {
  const cells: string[][] = [];
  let over = "", under = "";
  // deno-lint-ignore no-control-regex
  for (const [, codes, sign] of line.matchAll(/\x1b\[([\d;]*)m|(.)/gu)) {
    if (sign === "▀") cells.push([over, under]);
    else if (sign === undefined && codes !== "0") {
      const numbers = codes.split(";");
      assertEquals(numbers.slice(0, 2), ["38", "2"]);
      over = numbers.slice(2, 5).join();
      under = numbers[5] === "49" ? "49" : numbers.slice(7, 10).join();
      if (numbers[5] !== "49") assertEquals(numbers.slice(5, 7), ["48", "2"]);
    }
  }
  return cells;
}

function plain(line: string): string {
  // deno-lint-ignore no-control-regex
  return line.replace(/\x1b\[[\d;]*m/g, "");
}

function text(random: Random): string {
  const letters = "abcde fgh  漢é🦉";
  return Array.from(
    { length: random.integer(60) },
    () => [...letters][random.integer(14)],
  ).join("");
}
