import { describe, expect, it } from 'vitest';
import { healthWarnings, tunnelState, type PeerHealth } from '../../../src/engine/health.ts';
import { HealthWatch } from '../../../src/engine/health-watch.ts';
import type { EngineState } from '../../../src/engine-status.ts';
import type { PeerReplies } from '../../../src/wireguard/replies.ts';

const NOW = 10_000_000;
const SECOND_MS = 1_000;
const ago = (seconds: number): number => NOW - seconds * SECOND_MS;

const peer = (replies: Partial<PeerReplies>): PeerHealth => ({
  publicKey: new Uint8Array(32).fill(9),
  replies: { handshakes: 1, reclaimedAt: [], ...replies },
});
const stateOf = (...replies: Partial<PeerReplies>[]): string => tunnelState(replies.map(peer), NOW);
const warningsOf = (...replies: Partial<PeerReplies>[]): readonly string[] =>
  healthWarnings(replies.map(peer), NOW);

const NEW: Partial<PeerReplies> = { handshakes: 0 };
const STALE: Partial<PeerReplies> = { lastHandshakeAt: ago(300), waitingSince: ago(15) };
const FRESH: Partial<PeerReplies> = { lastHandshakeAt: ago(179) };
const IDLE: Partial<PeerReplies> = { lastHandshakeAt: ago(90_000) };

describe('the state of a tunnel', () => {
  it('is starting until there was a handshake', () => {
    expect(stateOf(NEW)).toBe('starting');
    expect(stateOf({ ...NEW, waitingSince: ago(1000) }, NEW)).toBe('starting');
    expect(stateOf()).toBe('starting');
  });

  it('is connected after a handshake, and stays so while nothing waits for one', () => {
    expect(stateOf(FRESH)).toBe('connected');
    expect(stateOf(IDLE)).toBe('connected');
    expect(stateOf({ ...IDLE, unansweredSince: ago(80_000), lastDataAt: ago(80_000) })).toBe(
      'connected',
    );
  });

  it('is stale when data waits for a handshake, and there was none for 180 s', () => {
    expect(stateOf(STALE)).toBe('stale');
    expect(stateOf({ ...STALE, waitingSince: ago(14) }), 'a handshake takes a moment').toBe(
      'connected',
    );
    expect(stateOf({ ...STALE, lastHandshakeAt: ago(179) })).toBe('connected');
    expect(stateOf({ ...STALE, lastHandshakeAt: ago(180) })).toBe('stale');
  });

  it('of several peers is that of the best which is in use', () => {
    expect(stateOf(NEW, FRESH)).toBe('connected');
    expect(stateOf(STALE, FRESH)).toBe('connected');
    expect(stateOf(STALE, IDLE)).toBe('stale');
  });
});

describe('the state of a tunnel whose engine takes over from one that died', () => {
  const [waiting, late] = [ago(14), ago(15)].map((since) => peer({ ...NEW, waitingSince: since }));

  it('is as it was until there was a handshake', () => {
    expect(tunnelState([peer(NEW)], NOW, 'connected')).toBe('connected');
    expect(tunnelState([peer(NEW)], NOW, 'stale')).toBe('stale');
    expect(tunnelState([peer(NEW), peer(FRESH)], NOW, 'stale')).toBe('connected');
  });

  it('is stale when data waits for a handshake for longer than one takes', () => {
    expect(tunnelState([waiting, peer(NEW)], NOW, 'connected')).toBe('connected');
    expect(tunnelState([late, peer(NEW)], NOW, 'connected')).toBe('stale');
    expect(tunnelState([late], NOW, 'starting')).toBe('starting');
    expect(tunnelState([late, peer(FRESH)], NOW, 'connected')).toBe('connected');
  });
});

describe('the warnings about a tunnel', () => {
  it('are none where all is well', () => {
    expect(warningsOf(NEW)).toEqual([]);
    expect(warningsOf(FRESH, IDLE)).toEqual([]);
  });

  it('tell of data that nobody answers', () => {
    const silent = { ...FRESH, unansweredSince: ago(20), lastDataAt: ago(1) };
    const text =
      "connected, but nothing comes back: check this client's AllowedIPs on the server, and Address here";
    expect(warningsOf(silent)).toEqual([text]);
    expect(warningsOf({ ...silent, unansweredSince: ago(19) })).toEqual([]);
    expect(warningsOf({ ...silent, lastDataAt: ago(20) }), 'one packet').toEqual([]);
    expect(warningsOf({ ...silent, unansweredSince: ago(500), lastDataAt: ago(180) })).toEqual([]);
    expect(warningsOf({ ...silent, lastHandshakeAt: ago(200) }), 'no keys').toEqual([]);
    expect(warningsOf(silent, FRESH)).toEqual([`peer CQkJ…JCQk: ${text}`]);
  });

  it('tell of another client with our key', () => {
    const reclaimedAt = [ago(63), ago(32), ago(1)];
    expect(warningsOf({ ...FRESH, reclaimedAt })).toEqual([
      'another client seems to use this key: 3 handshakes in 62 s (give each client its own key)',
    ]);
    expect(warningsOf({ ...FRESH, reclaimedAt: [ago(90), ago(32), ago(1)] })).toEqual([]);
    expect(warningsOf({ ...FRESH, reclaimedAt: [ago(32), ago(1)] })).toEqual([]);
  });

  it('tell of a peer that has gone', () => {
    expect(warningsOf(STALE)).toEqual(['data goes out, and there was no handshake for 300 s']);
  });
});

describe('the watch on a tunnel', () => {
  /** A watch with what it told, on peers that a test may exchange. */
  function watch(before?: EngineState): {
    told: string[];
    look: (now: number, ...replies: Partial<PeerReplies>[]) => void;
  } {
    const told: string[] = [];
    let peers: readonly PeerHealth[] = [];
    const listener = {
      onChange: (state: EngineState) => told.push(state),
      onWarning: (warning: string) => told.push(warning),
    };
    const health = new HealthWatch(() => peers, listener, before);
    return {
      told,
      look: (now, ...replies) => {
        peers = replies.map(peer);
        health.look(
          now,
          peers.reduce((sum, each) => sum + each.replies.handshakes, 0),
        );
      },
    };
  }

  it('tells the same of what a predecessor has left', () => {
    const { told, look } = watch('connected');
    look(NOW, NEW);
    expect(told).toEqual([]);
    look(NOW + 2_000, { ...NEW, waitingSince: ago(15) });
    look(NOW + 4_000, { handshakes: 1, lastHandshakeAt: NOW + 3_000 });
    expect(told).toEqual(['stale', 'connected']);
    const other = watch('stale');
    other.look(NOW, NEW);
    other.look(NOW + 2_000, { handshakes: 1, lastHandshakeAt: NOW + 1_000 });
    expect(other.told).toEqual(['connected']);
  });

  it('tells when it becomes stale and when it recovers, once each', () => {
    const { told, look } = watch();
    look(NOW, NEW);
    look(NOW + 2_000, { ...IDLE, handshakes: 1 });
    expect(told).toEqual([]);
    look(NOW + 4_000, STALE);
    look(NOW + 6_000, STALE);
    expect(told.filter((word) => !word.includes(' '))).toEqual(['stale']);
    look(NOW + 8_000, { lastHandshakeAt: NOW + 7_000, handshakes: 2 });
    look(NOW + 10_000, { lastHandshakeAt: NOW + 7_000, handshakes: 2 });
    expect(told.filter((word) => !word.includes(' '))).toEqual(['stale', 'connected']);
  });

  it('tells a warning once, however its seconds run on, and again when it comes back', () => {
    const { told, look } = watch();
    look(NOW, STALE);
    look(NOW + 2_000, STALE);
    look(NOW + 4_000, FRESH);
    look(NOW + 6_000, STALE);
    expect(told.filter((word) => word.includes(' '))).toEqual([
      'data goes out, and there was no handshake for 300 s',
      'data goes out, and there was no handshake for 306 s',
    ]);
  });

  it('looks at most once a second, but at once after a handshake', () => {
    const { told, look } = watch();
    look(NOW, STALE);
    look(NOW + 500, FRESH);
    expect(told).not.toContain('connected');
    look(NOW + 501, { ...FRESH, handshakes: 2 });
    expect(told).toContain('connected');
  });
});
