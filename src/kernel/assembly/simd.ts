export * from "./flash";
export * from "./state";
