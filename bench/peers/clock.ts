/**
 * What times are taken by: the clock on the wall or, on a machine that others use as well, the time of the processor.
 *
 * The processor's time is what the process has had, garbage collection included, so that a sample during which the system
 * lets others run is worth as much as any; it does not see what others do to caches.
 *
 * @module
 */

import process from "node:process";

/** The two clocks. */
export type ClockName = "wall" | "processor";

let chosen: ClockName = "wall";

/** Chooses the clock of all that follows. */
export function useClock(name: ClockName): void {
  chosen = name;
}

/** The clock that is in use. */
export function clockInUse(): ClockName {
  return chosen;
}

/** What the clock shows, in ns. */
export function now(): number {
  if (chosen === "wall") return performance.now() * 1e6;
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}
