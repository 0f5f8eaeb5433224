/** Waits for a condition that raises no event, such as another process's end. */

const INTERVAL_MS = 20;

/** Polls until `condition` holds; throws what `explain` says once `limitMs` are over. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  limitMs: number,
  explain: () => string,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`after ${limitMs} ms ${explain()}`);
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
  }
}
