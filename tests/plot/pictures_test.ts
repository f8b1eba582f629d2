import { assert, assertEquals } from "@std/assert";
import { drawPictures } from "../../examples/pictures/pictures.ts";

const FOLDER = new URL("../../examples/pictures/", import.meta.url);
/** What the pictures of a repository may weigh. */
const MOST_BYTES = 800_000;

Deno.test("drawPictures() draws what is committed, to the byte", async () => {
  const files = await drawPictures();
  const committed = [...Deno.readDirSync(FOLDER)].map(({ name }) => name)
    .filter((name) => /\.(svg|png)$/.test(name));
  assertEquals(committed.sort(), [...files.keys()].sort());
  let sum = 0;
  for (const [name, bytes] of files) {
    sum += bytes.length;
    const same = `${Deno.readFileSync(new URL(name, FOLDER))}` === `${bytes}`;
    assert(same, `${name} is another: deno task pictures`);
  }
  assert(sum < MOST_BYTES, `${sum}`);
});
