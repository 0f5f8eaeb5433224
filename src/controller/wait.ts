/** `wg-wrap wait`: until a tunnel that runs is connected, with the diagnosis of a run if it is not. */
import { statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { WgWrapError } from '../errors.ts';
import { controlSocketOf, type RuntimeEnvironment } from '../linux/state-directory.ts';
import { waitForHandshake } from './connect.ts';
import { formatSpan } from './quantity.ts';
import { statusOf } from './status.ts';
import { findTunnel, notRunning } from './tunnels.ts';

/** Nobody tells when a tunnel that was stale has recovered. */
const LOOK_MS = 500;

/**
 * Resolves when the tunnel is connected.
 * @throws {WgWrapError} `notConnected` with the reason, when the time is over; `setup`, if there is no
 * such tunnel, or no longer.
 */
export async function waitForTunnel(
  name: string | undefined,
  timeoutMs: number,
  environment: RuntimeEnvironment,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  const record = await findTunnel(name, environment);
  if (!record) throw new WgWrapError('setup', notRunning(name));
  await waitForHandshake({
    controlSocket: controlSocketOf(record),
    timeoutMs,
    remainingMs: deadline - performance.now(),
    configModifiedMs: modifiedMs(record.config),
  });
  for (;;) {
    const status = await statusOf(record);
    if (!status) throw new WgWrapError('setup', 'the tunnel ended while it was waited for');
    if (status.state === 'connected') return;
    if (performance.now() + LOOK_MS >= deadline) {
      const ages = (status.peers ?? []).map((peer) => peer.last_handshake_age_s);
      const youngest = Math.min(...ages.filter((age) => age !== null));
      const what = Number.isFinite(youngest)
        ? `the last handshake was ${formatSpan(youngest)} ago, and the server doesn't answer`
        : `no engine answers (${status.engine.restarts} restarts)`;
      throw new WgWrapError('notConnected', what);
    }
    await delay(LOOK_MS);
  }
}

/** A file that is gone tells nothing about the clock. */
function modifiedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
