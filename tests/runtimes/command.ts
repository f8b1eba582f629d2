/**
 * Running other programs: their output, within a time, or a sentence that says what went wrong.
 *
 * @module
 */

/** Runs a command to its end and returns what it printed; throws unless it ends well and in time. */
export async function run(
  command: string,
  args: string[],
  limit: number,
): Promise<string> {
  const name = command.split("/").at(-1);
  const signal = AbortSignal.timeout(limit);
  let result: Deno.CommandOutput;
  try {
    result = await new Deno.Command(command, { args, signal }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(`Cannot run ${name}: it is not there`);
  }
  if (signal.aborted) {
    throw new Error(`Cannot run ${name}: it took more than ${limit} ms`);
  }
  const [printed, complaint] = [result.stdout, result.stderr]
    .map((bytes) => new TextDecoder().decode(bytes));
  if (!result.success) {
    throw new Error(
      `Cannot run ${name}: it ended with ${result.code}\n${complaint}${printed}`,
    );
  }
  return printed;
}
