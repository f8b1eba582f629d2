/** Where the sums of rows are. */

export let anchors: usize = 0, shifts: usize = 0, valueShifts: usize = 0;
export let fines: usize = 0, rooms: usize = 0, counts: usize = 0;
export let massHigh: usize = 0, massLow: usize = 0;
export let magnitudeHigh: usize = 0, magnitudeLow: usize = 0;
export let numeratorHigh: usize = 0, numeratorLow: usize = 0;

/** Says where they are: twelve addresses. */
export function setSums(at: usize): void {
  anchors = load<u32>(at);
  shifts = load<u32>(at, 4);
  valueShifts = load<u32>(at, 8);
  fines = load<u32>(at, 12);
  rooms = load<u32>(at, 16);
  counts = load<u32>(at, 20);
  massHigh = load<u32>(at, 24);
  massLow = load<u32>(at, 28);
  magnitudeHigh = load<u32>(at, 32);
  magnitudeLow = load<u32>(at, 36);
  numeratorHigh = load<u32>(at, 40);
  numeratorLow = load<u32>(at, 44);
}
