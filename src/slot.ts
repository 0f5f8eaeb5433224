/**
 * A buffer for one packet with room on both sides, so that a packet is sealed where it lies.
 *
 *   | headroom, 16          | packet      | tailroom, 15 + 16              |
 *   | transport data header |             | padding, authentication tag    |
 *
 * The header of transport data is 16 bytes (WP 5.4.6); padding brings a packet to a multiple of 16
 * and the tag of ChaCha20-Poly1305 takes 16 more.
 */

export const SLOT_HEADROOM_BYTES = 16;
export const SLOT_TAILROOM_BYTES = 31;

/** One packet in a buffer that leaves room for the transport data header, padding and the tag. */
export class PacketSlot {
  readonly buffer: Uint8Array;
  /** Length of the packet, which begins at `SLOT_HEADROOM_BYTES`. */
  length = 0;

  /** Makes a slot for packets of at most `capacity` bytes. */
  constructor(capacity: number) {
    this.buffer = new Uint8Array(SLOT_HEADROOM_BYTES + capacity + SLOT_TAILROOM_BYTES);
  }

  /** Makes a slot that holds a copy of `packet`. */
  static of(packet: Uint8Array): PacketSlot {
    const slot = new PacketSlot(packet.length);
    slot.buffer.set(packet, SLOT_HEADROOM_BYTES);
    slot.length = packet.length;
    return slot;
  }

  /** The packet itself: a view, not a copy. */
  get packet(): Uint8Array {
    return this.buffer.subarray(SLOT_HEADROOM_BYTES, SLOT_HEADROOM_BYTES + this.length);
  }
}
