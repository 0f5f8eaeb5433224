/** How many inputs a property is tried with, or for how long: FUZZ_SECONDS makes of it a fuzzer. */

/** Parameters of `fc.assert`: so many runs, or as many as fit into FUZZ_SECONDS. */
export function runs(numRuns: number): {
  readonly numRuns: number;
  readonly interruptAfterTimeLimit?: number;
} {
  const seconds = Number(process.env['FUZZ_SECONDS'] ?? 0);
  if (seconds === 0) return { numRuns };
  return { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: seconds * 1_000 };
}
