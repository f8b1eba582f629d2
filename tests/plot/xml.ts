/**
 * A small reader of XML: elements, attributes and text, strict about what makes a document well-formed.
 *
 * What `src/plot` has no use for (declarations, comments, CDATA, single quotes) is refused. XML 1.0:
 * https://www.w3.org/TR/xml/.
 *
 * @module
 */

import { assert } from "@std/assert";

/** An element. */
export interface Element {
  name: string;
  attributes: Map<string, string>;
  children: Element[];
  /** Its own text, without that of children. */
  text: string;
}

/** What text may not hold, numbers of characters apart: section 2.2. */
// deno-lint-ignore no-control-regex
const FORBIDDEN = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Cs}/u;
const TAG =
  /<(\/?)([A-Za-z][\w-]*)((?:\s+[A-Za-z][\w:-]*="[^"<]*")*)\s*(\/?)>/y;
const ENTITIES: Record<string, string> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
};

/** Reads a document; fails where it is not well-formed. */
export function readXml(source: string): Element {
  assert(!FORBIDDEN.test(source), "a character that XML forbids");
  const root: Element = {
    name: "",
    attributes: new Map(),
    children: [],
    text: "",
  };
  const open = [root];
  let at = 0;
  while (at < source.length) {
    const parent = open[open.length - 1];
    const next = source.indexOf("<", at), end = next < 0 ? source.length : next;
    const text = source.slice(at, end);
    assert(!text.includes("]]>"), "]]> in text");
    parent.text += decode(text);
    if (next < 0) break;
    TAG.lastIndex = next;
    const tag = TAG.exec(source);
    assert(tag !== null, `no tag: ${source.slice(next, next + 60)}`);
    const [all, closing, name, list, empty] = tag;
    at = next + all.length;
    if (closing === "/") {
      assert(open.pop()!.name === name, `</${name}> closes something else`);
      continue;
    }
    const attributes = new Map<string, string>();
    for (const [, key, value] of list.matchAll(/([\w:-]+)="([^"]*)"/g)) {
      assert(!attributes.has(key), `${key} is there twice`);
      attributes.set(key, decode(value));
    }
    const element: Element = { name, attributes, children: [], text: "" };
    parent.children.push(element);
    if (empty === "") open.push(element);
  }
  assert(open.length === 1, `<${open[open.length - 1].name}> is not closed`);
  assert(root.children.length === 1 && root.text.trim() === "", "one root");
  return root.children[0];
}

/** All elements of a name, in the order of the document. */
export function all(element: Element, name: string): Element[] {
  return element.children.flatMap((child) => [
    ...child.name === name ? [child] : [],
    ...all(child, name),
  ]);
}

function decode(text: string): string {
  return text.replace(/&[^;]*;?/g, (entity) => {
    assert(Object.hasOwn(ENTITIES, entity), `unknown entity ${entity}`);
    return ENTITIES[entity];
  });
}
