// What every door opens, in a directory that `stage.ts` fills: the built module, its kernels compiled, and the scripts.
import { cases } from "./cases.js";
import { compiled } from "./compiled.js";
import { endure } from "./endurance.js";
import * as explain from "./explain.js";
import * as layer from "./layer.js";
import * as method from "./method.js";
import * as plot from "./plot.js";
import * as module from "./reattend.js";
import * as shard from "./shard.js";
import * as stream from "./stream.js";
import { suite } from "./suite.js";

const SCRIPTS = { suite, endure };
// Two papers call what they do efficient attention.
const everything = {
  ...module,
  explain,
  ...layer,
  ...method,
  ...plot,
  ...shard,
  ...stream,
};

/** Runs a script over the module: what it reports. */
export const open = (script) =>
  SCRIPTS[script](everything, { cases, compiled });
