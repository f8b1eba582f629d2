// The worker behind workerd's doors: the module starts at top level, the script runs inside a request.
import { open } from "./stage.js";

export default {
  async fetch(request) {
    const report = await open(new URL(request.url).pathname.slice(1));
    return Response.json({ engine: "workerd", ...report });
  },
};
