// What every door opens, in a directory that `stage.ts` fills: the built module, its kernels compiled, and the scripts.
import { cases } from "./cases.js";
import { compiled } from "./compiled.js";
import { endure } from "./endurance.js";
import * as methods from "./methods.js";
import * as module from "./reattend.js";
import { suite } from "./suite.js";

const SCRIPTS = { suite, endure };

/** Runs a script over the module: what it reports. */
export const open = (script) =>
  SCRIPTS[script]({ ...module, ...methods }, { cases, compiled });
