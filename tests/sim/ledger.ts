/**
 * The book of all inner packets: who sent each, for whom, and whether it came out. A packet comes out
 * at most once, unchanged, and only where it was meant to.
 */
import { formatHex } from '../../src/bytes.ts';
import type { Address } from '../../src/ip.ts';
import { isUnreachable, makeInnerPacket, readInnerPacketId } from './inner-packet.ts';

/** A station, as far as the book is concerned. */
export interface Party {
  readonly name: string;
  readonly innerIPv4: Address;
  readonly innerIPv6: Address;
}

/** What a test may choose about an inner packet. */
export interface PacketOptions {
  readonly size?: number;
  readonly family?: 4 | 6;
}

/** One inner packet. */
export interface LedgerEntry {
  readonly id: number;
  readonly from: string;
  readonly to: string;
  readonly packet: Uint8Array;
  deliveredAt?: number;
}

/** All inner packets of one simulation. */
export class Ledger {
  readonly #entries: LedgerEntry[] = [];

  /** Makes a packet from one station to another and writes it down. */
  issue(from: Party, to: Party, options: PacketOptions = {}): LedgerEntry {
    const id = this.#entries.length;
    const isIPv4 = (options.family ?? 4) === 4;
    const source = isIPv4 ? from.innerIPv4 : from.innerIPv6;
    const destination = isIPv4 ? to.innerIPv4 : to.innerIPv6;
    const packet = makeInnerPacket(id, source, destination, options.size ?? 120);
    const entry: LedgerEntry = { id, from: from.name, to: to.name, packet };
    this.#entries.push(entry);
    return entry;
  }

  /**
   * Enters a packet that a device has delivered at station `at`. Returns what is wrong with it, or
   * undefined; an unreachable message of the device itself is not the book's concern.
   */
  deliver(packet: Uint8Array, at: string, now: number): string | undefined {
    if (isUnreachable(packet)) return undefined;
    const id = readInnerPacketId(packet);
    const entry = id === undefined ? undefined : this.#entries[id];
    if (!entry) return `${at} delivered a packet that nobody sent: ${formatHex(packet)}`;
    if (entry.to !== at) return `packet ${entry.id} for ${entry.to} was delivered at ${at}`;
    if (entry.deliveredAt !== undefined) return `packet ${entry.id} was delivered twice`;
    if (formatHex(entry.packet) !== formatHex(packet)) return `packet ${entry.id} came out changed`;
    entry.deliveredAt = now;
    return undefined;
  }

  /** The packets that came out at a station, in the order in which they were sent. */
  deliveredTo(name: string): readonly LedgerEntry[] {
    return this.#entries.filter((entry) => entry.to === name && entry.deliveredAt !== undefined);
  }

  /** The packets that have not come out anywhere. */
  get undelivered(): readonly LedgerEntry[] {
    return this.#entries.filter((entry) => entry.deliveredAt === undefined);
  }

  /** Has packet `id` come out? */
  isDelivered(id: number): boolean {
    return this.#entries[id].deliveredAt !== undefined;
  }
}
