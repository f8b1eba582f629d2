import { Buffer } from "node:buffer";
import { assertEquals } from "@std/assert";
import {
  openSafetensors,
  readSafetensors,
  writeSafetensors,
} from "../../src/file/safetensors.ts";
import { refuses } from "../refusals.ts";

const FILE = writeSafetensors([
  { name: "9", dtype: "U32", shape: [2], data: new Uint32Array([1, 2]) },
  { name: "1", dtype: "I64", shape: [1], data: new BigInt64Array([-3n]) },
], { made: "here" });

Deno.test("readSafetensors() gives back what was written, whatever the order of names", () => {
  // slice() of a Buffer, which Node's file system returns, does not copy.
  for (const bytes of [FILE, Buffer.from(FILE)]) {
    const { metadata, tensors } = readSafetensors("test", bytes);
    assertEquals(metadata, { made: "here" });
    assertEquals([...tensors.keys()], ["9", "1"]);
    assertEquals(tensors.get("9")!.data, new Uint32Array([1, 2]));
    assertEquals(tensors.get("1")!.data, new BigInt64Array([-3n]));
  }
});

Deno.test("readSafetensors() refuses types that no snapshot has, which openSafetensors() only places", () => {
  const text = new TextDecoder("latin1").decode(FILE).replace("U32", "I32");
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  refuses(
    () => readSafetensors("test", bytes),
    RangeError,
    'Cannot test: tensor "9" is I32, it should be one of F32, F64, I64, U32',
  );
  const { places } = openSafetensors("test", bytes, 2 ** 20);
  assertEquals(
    places.map(({ name, dtype, end }) => [name, dtype, end]),
    [["9", "I32", bytes.length - 8], ["1", "I64", bytes.length]],
  );
  const header = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  refuses(
    () => openSafetensors("test", bytes, header - 1),
    RangeError,
    `Cannot test: the header has ${header} bytes, it should have at most ${
      header - 1
    }`,
  );
});
