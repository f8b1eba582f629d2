/**
 * Methods: ways to attend to less than everything, and what they make of tensors.
 *
 * A method is a value made by a function of `./methods`, so whoever does not import one does not load it. What it does
 * is registered beside it, where nobody can reach it: for tensors here, for maintained attentions in
 * `memory/method.ts`.
 *
 * @module
 */

import { show } from "../check.ts";
import type { Job } from "./block.ts";

/** A way to attend to less than everything; made by functions such as `topK`. */
export interface Method {
  /** What it is called, with its settings. */
  readonly name: string;
}

/** Fills the output of a job, or refuses what the method cannot do before it touches it. */
export type AttendJob = (verb: string, job: Job) => void;

/** Undefined for a method that maintained attentions alone can use. What is not here is no method. */
const JOBS = new WeakMap<Method, AttendJob | undefined>();

/** Makes a method from its name and what it makes of tensors. */
export function nameMethod(
  name: string,
  attend: AttendJob | undefined,
): Method {
  const method = Object.freeze({ name });
  JOBS.set(method, attend);
  return method;
}

/** Refuses what is no method, unless it is left out. */
export function checkMethod(
  verb: string,
  method: Method | undefined,
): Method | undefined {
  if (method === undefined || JOBS.has(method)) return method;
  throw new TypeError(
    `Cannot ${verb}: method is ${
      show(method)
    }, it should be made by a function of ./methods`,
  );
}

/** What a method makes of tensors; refuses one that has no use for them. */
export function jobOf(verb: string, method: Method): AttendJob {
  const attend = JOBS.get(method);
  if (attend !== undefined) return attend;
  throw new TypeError(
    `Cannot ${verb}: method is ${method.name}, which needs an attention that is maintained, it should be one for tensors`,
  );
}
