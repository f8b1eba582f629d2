/**
 * What a maintained layer remembers, and the handle that hides it.
 *
 * @module
 */

import type { Attention } from "../attention.ts";
import { type Id, show } from "../check.ts";
import type { Layer, Projection } from "./layer.ts";
import type { Mixture } from "./mixture.ts";
import type { LayerKind } from "./weights.ts";

/** A layer over tokens that change. Made by {@linkcode maintainedLayer}; its fields are free to read. */
export interface MaintainedLayer {
  /** Its kind. */
  readonly kind: LayerKind;
  /** Queries are tokens of their own, not those that keys and values come from. */
  readonly cross: boolean;
  /** Live tokens. */
  readonly size: number;
  /** Watched queries; in self-attention as many as tokens. */
  readonly watched: number;
  /** Numbers in an output row. */
  readonly outputDim: number;
  /**
   * Keys that are always there; in a head, the key of token t has the id `always` + t.
   */
  readonly always: number;
  /** The attention of each head, to read (`topKeys`, `weights`, `errorBound`, `stats`) and not to change. */
  readonly heads: readonly Attention[];
  /** Lets go of the memory, for the engine to collect; using the layer afterwards is an error. */
  [Symbol.dispose](): void;
}

/** What a layer remembers. */
export interface State {
  layer: Layer;
  heads: readonly Attention[];
  cross: boolean;
  causal: boolean;
  always: number;
  /** By head, what takes its values to output rows; undefined where that is done at the read. */
  folds: readonly Projection[] | undefined;
  /** Of Super layers. */
  mixture: Mixture | undefined;
  /** Ids of live tokens and of watched queries. */
  tokens: Set<Id>;
  queries: Set<Id>;
  /** The id of the next token. */
  next: Id;
  /** One more than any id of a query so far, where they are not the tokens. */
  nextQuery: Id;
  /** Multiply-adds spent on projections of tokens and queries. */
  projected: number;
  /** Multiply-adds spent on outputs of heads. */
  combined: number;
  /** Heads are being read; a mask that is asked meanwhile may change nothing. */
  reading: boolean;
}

/** A layer and what it remembers, which nobody else can reach. */
class Handle implements MaintainedLayer {
  /** What it is called where it is shown; the interface has the name in the code. */
  static readonly name = "MaintainedLayer";
  #state: State | undefined;

  constructor(state: State) {
    this.#state = state;
  }

  static open(verb: string, layer: MaintainedLayer): State {
    if (typeof layer !== "object" || layer === null || !(#state in layer)) {
      throw new TypeError(
        `Cannot ${verb}: layer is ${
          show(layer)
        }, it should be made by maintainedLayer`,
      );
    }
    if (layer.#state === undefined) {
      throw new TypeError(
        `Cannot ${verb}: the layer is disposed, it should be in use`,
      );
    }
    return layer.#state;
  }

  get kind(): LayerKind {
    return Handle.open("read kind", this).layer.kind;
  }
  get cross(): boolean {
    return Handle.open("read cross", this).cross;
  }
  get size(): number {
    return Handle.open("read size", this).tokens.size;
  }
  get watched(): number {
    return Handle.open("read watched", this).queries.size;
  }
  get outputDim(): number {
    return Handle.open("read outputDim", this).layer.outputWidth;
  }
  get always(): number {
    return Handle.open("read always", this).always;
  }
  get heads(): readonly Attention[] {
    return Handle.open("read heads", this).heads;
  }
  [Symbol.dispose](): void {
    for (const head of this.#state?.heads ?? []) head[Symbol.dispose]();
    this.#state = undefined;
  }
}

/** What a layer remembers, for the verbs; refuses what is no layer or is disposed. */
export const openLayer: (verb: string, layer: MaintainedLayer) => State =
  Handle.open;

/** A layer over what it remembers. */
export function layerOf(state: State): MaintainedLayer {
  return new Handle(state);
}

/** Opens a layer that is about to change. */
export function openForChange(verb: string, layer: MaintainedLayer): State {
  const state = openLayer(verb, layer);
  if (state.reading) {
    throw new TypeError(
      `Cannot ${verb}: the layer is being read, its mask should leave it alone`,
    );
  }
  return state;
}
