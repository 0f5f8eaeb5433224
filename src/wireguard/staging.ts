/**
 * Packets that wait for a handshake, in order, as copies. Bounded for each peer and, by a budget that
 * all peers share, for the device; a keepalive waits like a packet.
 */
import { PacketSlot } from '../slot.ts';
import { MAX_STAGED_PACKETS, MAX_STAGED_PACKETS_PER_PEER } from './constants.ts';

/** How many packets are staged for all peers together. */
export interface StagingBudget {
  used: number;
}

/** The staged packets of one peer. */
export class StagedPackets {
  readonly #budget: StagingBudget;
  #slots: PacketSlot[] = [];

  constructor(budget: StagingBudget) {
    this.#budget = budget;
  }

  get length(): number {
    return this.#slots.length;
  }

  /**
   * Appends a copy of `packet`. Where there is no room, the oldest of this peer makes it; without
   * one, the packet itself is left out. True if nothing was lost.
   */
  push(packet: Uint8Array): boolean {
    const isFull =
      this.#slots.length >= MAX_STAGED_PACKETS_PER_PEER || this.#budget.used >= MAX_STAGED_PACKETS;
    if (isFull && !this.shift()) return false;
    this.#slots.push(PacketSlot.of(packet));
    this.#budget.used++;
    return !isFull;
  }

  /** Takes the oldest out. */
  shift(): PacketSlot | undefined {
    const slot = this.#slots.shift();
    if (slot) this.#budget.used--;
    return slot;
  }

  /** Throws all away, and tells how many of them were no keepalives. */
  purge(): number {
    const packets = this.#slots.filter((slot) => slot.length > 0).length;
    for (const slot of this.#slots) slot.buffer.fill(0);
    this.#budget.used -= this.#slots.length;
    this.#slots = [];
    return packets;
  }
}
