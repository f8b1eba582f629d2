/**
 * Draws the pictures of this folder: `deno task pictures`.
 *
 * @module
 */

import { drawPictures } from "./pictures.ts";

for (const [name, bytes] of await drawPictures()) {
  Deno.writeFileSync(new URL(name, import.meta.url), bytes);
  console.log(`${name}: ${bytes.length} bytes`);
}
