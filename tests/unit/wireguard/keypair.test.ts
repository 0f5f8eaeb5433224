import { describe, expect, it } from 'vitest';
import { PacketSlot } from '../../../src/slot.ts';
import { REJECT_AFTER_MESSAGES, REKEY_AFTER_MESSAGES } from '../../../src/wireguard/constants.ts';
import { Keypair, KeypairSlots, paddingLength } from '../../../src/wireguard/keypair.ts';
import { transportCounter } from '../../../src/wireguard/messages.ts';
import { sequence } from './stand-ins.ts';

const SECOND_MS = 1_000;

/** Both sides of one set of keys, derived at time 0. */
function makeSides(): { readonly initiator: Keypair; readonly responder: Keypair } {
  const [first, second] = [sequence(0, 32), sequence(100, 32)];
  const initiator = { isInitiator: true, localIndex: 1, remoteIndex: 2 };
  const responder = { isInitiator: false, localIndex: 2, remoteIndex: 1 };
  return {
    initiator: new Keypair({ ...initiator, sendKey: first, receiveKey: second }, 0),
    responder: new Keypair({ ...responder, sendKey: second.slice(), receiveKey: first.slice() }, 0),
  };
}

describe('padding', () => {
  it.each([
    [0, 1_420, 0],
    [1, 1_420, 15],
    [16, 1_420, 0],
    [17, 1_420, 15],
    [1_408, 1_420, 0],
    [1_409, 1_420, 11],
    [1_419, 1_420, 1],
    [1_420, 1_420, 0],
    [1_421, 1_420, 15],
    [1_500, 1_420, 0],
    [2_840, 1_420, 0],
  ])('of %i bytes under an MTU of %i is %i', (length, mtu, padding) => {
    expect(paddingLength(length, mtu)).toBe(padding);
  });

  it('fits into a slot, whatever the length and the MTU', () => {
    for (let length = 0; length < 3_000; length++) {
      for (const mtu of [576, 1_280, 1_420, 1_421]) {
        const padding = paddingLength(length, mtu);
        if (padding < 0 || padding > 15) expect.fail(`${padding} for ${length} under ${mtu}`);
        if (length <= mtu && length + padding > mtu) expect.fail(`${length} exceeds ${mtu}`);
      }
    }
  });
});

describe('a keypair', () => {
  it('seals a packet where it lies, and the other side opens it', () => {
    const { initiator, responder } = makeSides();
    for (const length of [0, 1, 16, 100, 1_420]) {
      const slot = PacketSlot.of(sequence(1, length));
      const datagram = initiator.seal(slot, 1_420);
      expect(datagram.buffer).toBe(slot.buffer.buffer);
      expect((datagram.length - 32) % 16 === 0 || length === 1_420).toBe(true);
      const opened = responder.open(datagram, transportCounter(datagram));
      expect(opened?.subarray(0, length)).toEqual(sequence(1, length));
      expect(opened?.subarray(length).every((byte) => byte === 0)).toBe(true);
    }
  });

  it('pads with zeros, whatever was in the slot before', () => {
    const { initiator, responder } = makeSides();
    const slot = new PacketSlot(64);
    slot.buffer.fill(0xaa);
    slot.length = 5;
    const datagram = initiator.seal(slot, 1_420);
    expect(responder.open(datagram, 0)?.subarray(5)).toEqual(new Uint8Array(11));
  });

  it('counts from zero, and never gives a counter twice', () => {
    const { initiator } = makeSides();
    const counters = [0, 1, 2].map(() =>
      transportCounter(initiator.seal(new PacketSlot(0), 1_420)),
    );
    expect(counters).toEqual([0, 1, 2]);
  });

  it('does not open what it has sent itself', () => {
    const { initiator } = makeSides();
    expect(initiator.open(initiator.seal(new PacketSlot(0), 1_420), 0)).toBeUndefined();
  });

  it('stops sending at the counter limit, the last counter included', () => {
    const { initiator } = makeSides();
    initiator.nextCounter = REJECT_AFTER_MESSAGES - 1;
    expect(initiator.canSend(0)).toBe(true);
    const datagram = initiator.seal(new PacketSlot(0), 1_420);
    expect(transportCounter(datagram)).toBe(REJECT_AFTER_MESSAGES - 1);
    expect(initiator.canSend(0)).toBe(false);
  });

  it('stops sending at 180 s, and when it is told to', () => {
    const { initiator, responder } = makeSides();
    expect(initiator.canSend(180 * SECOND_MS - 1)).toBe(true);
    expect(initiator.canSend(180 * SECOND_MS)).toBe(false);
    responder.stopSending();
    expect(responder.canSend(0)).toBe(false);
  });

  it('wants a rekey at 120 s as initiator, and after too many packets in either role', () => {
    const { initiator, responder } = makeSides();
    expect(initiator.wantsRekey(120 * SECOND_MS - 1)).toBe(false);
    expect(initiator.wantsRekey(120 * SECOND_MS)).toBe(true);
    expect(responder.wantsRekey(179 * SECOND_MS)).toBe(false);
    responder.nextCounter = REKEY_AFTER_MESSAGES;
    expect(responder.wantsRekey(0)).toBe(false);
    responder.nextCounter = REKEY_AFTER_MESSAGES + 1;
    expect(responder.wantsRekey(0)).toBe(true);
  });

  it('is running out at 165 s, as initiator', () => {
    const { initiator, responder } = makeSides();
    expect(initiator.isRunningOut(165 * SECOND_MS - 1)).toBe(false);
    expect(initiator.isRunningOut(165 * SECOND_MS)).toBe(true);
    expect(responder.isRunningOut(179 * SECOND_MS)).toBe(false);
  });

  it('zeroes its keys when it is wiped', () => {
    const [sendKey, receiveKey] = [sequence(0, 32), sequence(100, 32)];
    const derived = { isInitiator: true, localIndex: 1, remoteIndex: 2, sendKey, receiveKey };
    const keypair = new Keypair(derived, 0);
    keypair.wipe();
    expect([...sendKey, ...receiveKey].every((byte) => byte === 0)).toBe(true);
    expect(keypair.canSend(0)).toBe(false);
  });
});

describe('the slots', () => {
  let count = 0;
  const derived = (isInitiator: boolean): Keypair => {
    const keys = { sendKey: new Uint8Array(32), receiveKey: new Uint8Array(32) };
    return new Keypair({ isInitiator, localIndex: ++count, remoteIndex: 0, ...keys }, 0);
  };

  /** Slots that tell what fell out. */
  const makeSlots = (): { readonly slots: KeypairSlots; readonly released: Keypair[] } => {
    const released: Keypair[] = [];
    return { slots: new KeypairSlots((keypair) => void released.push(keypair)), released };
  };

  it('an initiator’s keypair is current at once, and the one before it previous', () => {
    const { slots, released } = makeSlots();
    const [first, second, third] = [derived(true), derived(true), derived(true)];
    slots.install(first);
    slots.install(second);
    expect(slots.current).toBe(second);
    expect(released).toEqual([]);
    slots.install(third);
    expect(slots.current).toBe(third);
    expect(released).toEqual([first]);
  });

  it('a responder’s keypair is not current before it is confirmed', () => {
    const { slots, released } = makeSlots();
    const [first, second] = [derived(true), derived(false)];
    slots.install(first);
    slots.install(second);
    expect(slots.current).toBe(first);
    expect(slots.confirm(first), 'current is no confirmation').toBe(false);
    expect(slots.confirm(second)).toBe(true);
    expect(slots.current).toBe(second);
    expect(slots.confirm(second), 'once').toBe(false);
    expect(released).toEqual([]);
    slots.clear();
    expect(released).toEqual([first, second]);
  });

  it('a responder’s keypair evicts the previous one and an unconfirmed next', () => {
    const { slots, released } = makeSlots();
    const [old, current, next, newer] = [true, true, false, false].map(derived);
    slots.install(old);
    slots.install(current);
    slots.install(next);
    expect(released).toEqual([old]);
    slots.install(newer);
    expect(released).toEqual([old, next]);
    expect(slots.confirm(next)).toBe(false);
    expect(slots.confirm(newer)).toBe(true);
  });

  it('an initiator’s keypair makes an unconfirmed next previous, and evicts the current one', () => {
    const { slots, released } = makeSlots();
    const [current, next, mine] = [true, false, true].map(derived);
    slots.install(current);
    slots.install(next);
    slots.install(mine);
    expect(slots.current).toBe(mine);
    expect(released).toEqual([current]);
    expect(slots.confirm(next), 'it is previous').toBe(false);
    slots.clear();
    expect(released).toEqual([current, next, mine]);
  });

  it('a confirmation evicts the previous keypair', () => {
    const { slots, released } = makeSlots();
    const [first, second, third] = [false, false, false].map(derived);
    for (const keypair of [first, second, third]) {
      slots.install(keypair);
      slots.confirm(keypair);
    }
    expect(slots.current).toBe(third);
    expect(released).toEqual([first]);
  });

  it('stop sending on current and next, and are empty once cleared', () => {
    const { slots } = makeSlots();
    const [current, next] = [true, false].map(derived);
    slots.install(current);
    slots.install(next);
    slots.stopSending();
    expect([current.canSend(0), next.canSend(0)]).toEqual([false, false]);
    slots.clear();
    expect(slots.current).toBeUndefined();
  });
});
