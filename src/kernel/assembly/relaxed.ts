export * from "./flash";
