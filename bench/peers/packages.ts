/**
 * The packages that are raced against, each at the version it was raced at; none is fetched before it is asked for.
 *
 * @module
 */

/** What `import()` is given; its type is a string, so that checking types fetches nothing. */
export const PACKAGES: Record<string, string> = {
  "onnxruntime-web": "npm:onnxruntime-web@1.30.0/wasm",
  "tfjs-core": "npm:@tensorflow/tfjs-core@4.22.0",
  "tfjs-backend-wasm": "npm:@tensorflow/tfjs-backend-wasm@4.22.0",
  "tfjs-backend-cpu": "npm:@tensorflow/tfjs-backend-cpu@4.22.0",
  "ruvector-attention-wasm": "npm:ruvector-attention-wasm@0.1.32",
};

/** What npm is to install for the Node child. */
export const ORT_NODE = "onnxruntime-node@1.30.0";
