/**
 * How a tunnel is, from what its peers answered.
 *
 * WireGuard has no connection that could break: an idle tunnel says nothing and is not ill. So the
 * state is about what was asked for and did not come.
 *
 *   starting   no handshake yet
 *   connected  a handshake within the life of its keys, or nothing that waits for one
 *   stale      no such handshake, and data has waited for one longer than three attempts take
 *
 * An engine that takes over from one that died has no handshake of its own at first. Until it has, the
 * tunnel is as it was, for its peers were fine a moment ago; or stale, if they let data wait.
 */
import type { EngineState } from '../engine-status.ts';
import { abbreviateKey } from '../key.ts';
import { REJECT_AFTER_TIME_MS, REKEY_TIMEOUT_MS } from '../wireguard/constants.ts';
import type { PeerStatus } from '../wireguard/device.ts';
import type { Millis } from '../wireguard/ports.ts';

/** Three attempts at a handshake: a lost datagram is no illness. */
const PATIENCE_MS = 3 * REKEY_TIMEOUT_MS;
const UNANSWERED_MS = 20_000;
/** Who has stopped sending is no longer waiting for an answer. */
const INTEREST_MS = 180_000;
/**
 * Two clients with one key take the server from each other every fifteen seconds of silence each, so
 * that either has three handshakes of that kind in a little more than a minute.
 */
const RECLAIMS = 3;
const RECLAIMED_WITHIN_MS = 90_000;

/** What the core knows of a peer, as far as it matters here. */
export type PeerHealth = Pick<PeerStatus, 'publicKey' | 'replies'>;

/** The state of a tunnel with these peers; `before` is how an engine that died has left it. */
export function tunnelState(
  peers: readonly PeerHealth[],
  now: Millis,
  before: EngineState = 'starting',
): EngineState {
  if (peers.every(({ replies }) => replies.handshakes === 0)) {
    const isLate = before === 'connected' && peers.some((peer) => isWaiting(peer, now));
    return isLate ? 'stale' : before;
  }
  if (peers.some((peer) => hasKeys(peer, now))) return 'connected';
  return peers.some((peer) => isStale(peer, now)) ? 'stale' : 'connected';
}

/** What is not as it should be with a tunnel, a line each. */
export function healthWarnings(peers: readonly PeerHealth[], now: Millis): readonly string[] {
  const name = (peer: PeerHealth): string =>
    peers.length === 1 ? '' : `peer ${abbreviateKey(peer.publicKey)}: `;
  return peers.flatMap((peer) =>
    [staleness(peer, now), silence(peer, now), rivalry(peer, now)]
      .filter((warning) => warning !== undefined)
      .map((warning) => `${name(peer)}${warning}`),
  );
}

function hasKeys({ replies }: PeerHealth, now: Millis): boolean {
  const { lastHandshakeAt } = replies;
  return lastHandshakeAt !== undefined && now - lastHandshakeAt < REJECT_AFTER_TIME_MS;
}

function isStale(peer: PeerHealth, now: Millis): boolean {
  const { lastHandshakeAt } = peer.replies;
  return lastHandshakeAt !== undefined && !hasKeys(peer, now) && isWaiting(peer, now);
}

function isWaiting({ replies: { waitingSince } }: PeerHealth, now: Millis): boolean {
  return waitingSince !== undefined && now - waitingSince >= PATIENCE_MS;
}

function staleness(peer: PeerHealth, now: Millis): string | undefined {
  const { lastHandshakeAt } = peer.replies;
  if (lastHandshakeAt === undefined || !isStale(peer, now)) return undefined;
  return `data goes out, and there was no handshake for ${seconds(now - lastHandshakeAt)}`;
}

/** Keys fit, so the two of them agree; what is inside is what the server won't pass on. */
function silence(peer: PeerHealth, now: Millis): string | undefined {
  const { unansweredSince, lastDataAt } = peer.replies;
  if (!hasKeys(peer, now) || unansweredSince === undefined || lastDataAt === undefined) {
    return undefined;
  }
  const isLong = now - unansweredSince >= UNANSWERED_MS && lastDataAt > unansweredSince;
  if (!isLong || now - lastDataAt >= INTEREST_MS) return undefined;
  return "connected, but nothing comes back: check this client's AllowedIPs on the server, and Address here";
}

function rivalry({ replies }: PeerHealth, now: Millis): string | undefined {
  const times = replies.reclaimedAt.filter((time) => now - time < RECLAIMED_WITHIN_MS);
  if (times.length < RECLAIMS) return undefined;
  const span = seconds(times[times.length - 1] - times[0]);
  return `another client seems to use this key: ${times.length} handshakes in ${span} (give each client its own key)`;
}

function seconds(duration: Millis): string {
  return `${Math.round(duration / 1000)} s`;
}
