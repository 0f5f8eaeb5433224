/** What sets and clears each deadline. What an expiry does is tested with two devices, in tests/sim. */
import { describe, expect, it } from 'vitest';
import type { Entropy } from '../../../src/wireguard/ports.ts';
import { Timers } from '../../../src/wireguard/timers.ts';

const SECOND_MS = 1_000;
const NO_JITTER: Entropy = { fill: (bytes) => bytes.fill(0) };
const FULL_JITTER: Entropy = { fill: (bytes) => bytes.fill(0xff) };

/** Timers, and the earliest deadline that they told last. */
function makeTimers(entropy = NO_JITTER): { readonly timers: Timers; readonly next: () => number } {
  let earliest = Infinity;
  const timers = new Timers(entropy, (deadline) => {
    earliest = deadline;
  });
  return { timers, next: () => earliest };
}

describe('the deadlines of a peer', () => {
  it('retransmitHandshake: 5 s after each initiation, until the handshake completes', () => {
    const { timers, next } = makeTimers();
    timers.initiationSent(0);
    expect(next()).toBe(5 * SECOND_MS);
    timers.initiationSent(SECOND_MS);
    expect(next(), 'restarts').toBe(6 * SECOND_MS);
    timers.handshakeCompleted(0);
    expect(next()).toBe(Infinity);
  });

  it('retransmitHandshake: a suppressed initiation sets it only if it isn’t set', () => {
    const { timers, next } = makeTimers();
    timers.initiationSuppressed(2 * SECOND_MS);
    expect(next()).toBe(7 * SECOND_MS);
    timers.initiationSuppressed(4 * SECOND_MS);
    expect(next()).toBe(7 * SECOND_MS);
  });

  it('sendKeepalive: 10 s after the first data that wasn’t answered', () => {
    const { timers, next } = makeTimers();
    timers.dataReceived(0);
    timers.dataReceived(4 * SECOND_MS);
    expect(next()).toBe(10 * SECOND_MS);
    timers.authenticatedPacketReceived(5 * SECOND_MS);
    expect(next(), 'receiving changes nothing').toBe(10 * SECOND_MS);
    timers.authenticatedPacketSent(6 * SECOND_MS);
    expect(next()).toBe(Infinity);
  });

  it('newHandshake: 15 s after the first data without an answer', () => {
    const { timers, next } = makeTimers();
    timers.dataSent(0);
    timers.dataSent(4 * SECOND_MS);
    timers.authenticatedPacketSent(5 * SECOND_MS);
    expect(next()).toBe(15 * SECOND_MS);
    timers.authenticatedPacketReceived(6 * SECOND_MS);
    expect(next()).toBe(Infinity);
  });

  it('zeroKeyMaterial: 540 s after the last keypair', () => {
    const { timers, next } = makeTimers();
    timers.keypairDerived(0);
    timers.keypairDerived(SECOND_MS);
    expect(next()).toBe(541 * SECOND_MS);
    timers.handshakeCompleted(0);
    expect(next()).toBe(541 * SECOND_MS);
  });

  it('persistentKeepalive: the interval after anything either way, unless it is 0', () => {
    const { timers, next } = makeTimers();
    timers.authenticatedPacketSent(0);
    expect(next()).toBe(Infinity);
    timers.setPersistentKeepalive(25);
    expect(timers.persistentKeepaliveSeconds).toBe(25);
    timers.authenticatedPacketSent(SECOND_MS);
    expect(next()).toBe(26 * SECOND_MS);
    timers.authenticatedPacketReceived(2 * SECOND_MS);
    expect(next()).toBe(27 * SECOND_MS);
    timers.setPersistentKeepalive(0);
    expect(next()).toBe(Infinity);
  });

  it('jitter is 0 to 333 ms, on what many peers might do in step', () => {
    const { timers, next } = makeTimers(FULL_JITTER);
    timers.initiationSent(0);
    expect(next()).toBe(5 * SECOND_MS + 333);
    timers.handshakeCompleted(0);
    timers.dataSent(0);
    expect(next()).toBe(15 * SECOND_MS + 333);
    timers.authenticatedPacketReceived(0);
    timers.initiationSuppressed(0);
    expect(next()).toBe(5 * SECOND_MS + 333);
  });
});

describe('retries', () => {
  const failures = (timers: Timers): number => {
    let count = 0;
    while (count < 100 && timers.handshakeUnanswered(0)) count++;
    return count;
  };

  it('are nineteen after the first initiation; then it is given up', () => {
    expect(failures(makeTimers().timers)).toBe(19);
  });

  it('count anew when an initiation is wanted for another reason, or one succeeds', () => {
    const { timers } = makeTimers();
    failures(timers);
    timers.handshakeWanted();
    expect(failures(timers)).toBe(19);
    timers.handshakeCompleted(0);
    expect(failures(timers)).toBe(19);
  });

  it('end with the keys’ last deadline, if there is none yet, and without a keepalive', () => {
    const { timers, next } = makeTimers();
    timers.dataReceived(0);
    failures(timers);
    expect(next()).toBe(540 * SECOND_MS);
    const { timers: others, next: nextOfOthers } = makeTimers();
    others.keypairDerived(-SECOND_MS);
    failures(others);
    expect(nextOfOthers(), 'it was set already').toBe(539 * SECOND_MS);
  });
});

describe('due timers', () => {
  it('are taken one by one, and cleared', () => {
    const { timers, next } = makeTimers();
    timers.initiationSent(0);
    timers.dataReceived(0);
    expect(timers.takeDue(5 * SECOND_MS - 1)).toBeUndefined();
    expect(timers.takeDue(10 * SECOND_MS)).toBe('retransmitHandshake');
    expect(timers.takeDue(10 * SECOND_MS)).toBe('sendKeepalive');
    expect(timers.takeDue(10 * SECOND_MS)).toBeUndefined();
    expect(next()).toBe(Infinity);
  });

  it('are none once all are cleared', () => {
    const { timers, next } = makeTimers();
    timers.keypairDerived(0);
    timers.dataSent(0);
    timers.clear();
    expect(next()).toBe(Infinity);
    expect(timers.takeDue(1_000 * SECOND_MS)).toBeUndefined();
  });

  it('are none where no handshake can follow', () => {
    const { timers, next } = makeTimers();
    timers.initiationSent(0);
    timers.dataSent(0);
    timers.handshakeDisabled();
    expect(next()).toBe(Infinity);
  });
});
