// The worker behind workerd's door: the module starts at top level, the suite runs inside a request.
import * as module from "./reattend.js";
import { suite } from "./suite.js";

export default {
  fetch: () => Response.json({ engine: "workerd", ...suite(module) }),
};
