/**
 * The pump between memory and memory (pump/ring.h), as a fast path of the core: what is put in is
 * worked off at once, and what comes out is taken.
 */
import { readUint32LE } from '../../src/bytes.ts';
import type { UdpEndpoint } from '../../src/ip.ts';
import { encodeEndpoint, Pump, type PumpMessage } from '../../src/linux/pump.ts';
import type { PumpPeerActivity } from '../../src/linux/pump-activity.ts';
import type { Endpoint, FastKeypair, FastPath, FastPrefix } from '../../src/wireguard/ports.ts';

const VNET_HEADER_BYTES = 10;
const OUTPUT_BYTES = 72;
const TAKE_BYTES = 2 * (65_536 + 80);
/** No offload at all: one packet is one datagram, so that nothing has to be split to be compared. */
const WITHOUT_OFFLOADS = 0b1111;
/** PUMP_WITHOUT_HALVES, in a second run: the cipher as a whole, which other builds of Node have to do with. */
const WITHOUT_HALVES = process.env.WG_WRAP_TEST_HALVES === 'off' ? 0b1_0000 : 0;

/** What the pump has put out. */
export interface RingOutput {
  readonly datagrams: {
    readonly to: string;
    readonly datagram: Uint8Array;
    readonly tos: number;
  }[];
  readonly packets: Uint8Array[];
}

/** A pump in memory, with a clock that is set. */
export class RingPump implements FastPath {
  readonly pump: Pump;

  constructor(library: string, mtu: number) {
    const options = { tun: -1, udp4: -1, udp6: -1, mtu, vnetHeaderBytes: VNET_HEADER_BYTES };
    this.pump = Pump.open(library, { ...options, without: WITHOUT_OFFLOADS | WITHOUT_HALVES });
    this.pump.call('ring_attach');
  }

  close(): void {
    this.pump.call('ring_detach');
    this.pump.close();
  }

  set now(now: number) {
    // A 64-bit argument, of which the upper half is zero.
    this.pump.call('ring_set_clock', now);
  }

  /** Has the pump work off a packet of the TUN. */
  givePacket(packet: Uint8Array): void {
    const frame = new Uint8Array(VNET_HEADER_BYTES + packet.length);
    frame.set(packet, VNET_HEADER_BYTES);
    this.pump.call('ring_give_packet', frame, frame.length);
    this.pump.call('ring_step');
  }

  /** Has the pump work off a datagram. */
  giveDatagram(datagram: Uint8Array, from: UdpEndpoint, ecn: number): void {
    const { length } = datagram;
    const bytes = length > 0 ? datagram : new Uint8Array(1);
    const address = encodeEndpoint(from);
    this.pump.call('ring_give_datagrams', address, ecn, length, bytes, length);
    this.pump.call('ring_step');
  }

  /** What the pump hands up, copied. */
  takeMessages(): readonly PumpMessage[] {
    const messages: PumpMessage[] = [];
    this.pump.take((message) => {
      messages.push(structuredCloneOf(message));
    });
    return messages;
  }

  /** What has gone out. */
  takeOutput(): RingOutput {
    this.pump.call('ring_step');
    const output: RingOutput = { datagrams: [], packets: [] };
    const bytes = new Uint8Array(TAKE_BYTES);
    while (this.pump.call('ring_take', bytes, bytes.length) > 0) {
      const payload = bytes.slice(OUTPUT_BYTES, OUTPUT_BYTES + readUint32LE(bytes, 64));
      if (readUint32LE(bytes, 4) === 2) {
        output.packets.push(payload.subarray(VNET_HEADER_BYTES));
        continue;
      }
      const to = decodeText(bytes);
      const segment = readUint32LE(bytes, 60);
      for (let at = 0; at < payload.length; at += segment) {
        const datagram = payload.subarray(at, at + segment);
        output.datagrams.push({ to, datagram, tos: readUint32LE(bytes, 56) });
      }
    }
    return output;
  }

  install(keypair: FastKeypair): void {
    this.pump.install(keypair);
  }

  promote(localIndex: number): void {
    this.pump.promote(localIndex);
  }

  stopSending(peer: number): void {
    this.pump.stopSending(peer);
  }

  remove(localIndex: number): void {
    this.pump.remove(localIndex);
  }

  setEndpoint(peer: number, endpoint: Endpoint | undefined): void {
    this.pump.setEndpoint(peer, endpoint as UdpEndpoint | undefined);
  }

  setAllowedIPs(table: readonly FastPrefix[]): void {
    this.pump.setAllowedIPs(table);
  }

  removePeer(peer: number): void {
    this.pump.removePeer(peer);
  }

  send(peer: number, packet: Uint8Array): void {
    this.pump.send(peer, packet);
  }

  answered(peer: number): void {
    this.pump.peer(peer).answered();
  }

  replied(peer: number): void {
    this.pump.peer(peer).replied();
  }

  /** The words of a peer, and where it is by now if that is news. */
  read(peer: number): PumpPeerActivity & { readonly movedTo: UdpEndpoint | undefined } {
    const words = this.pump.peer(peer);
    const hasNotice = words.takeNotices();
    return { ...words.read(), movedTo: hasNotice ? this.pump.movedTo(peer) : undefined };
  }
}

function structuredCloneOf(message: PumpMessage): PumpMessage {
  if (message.kind === 'handshake') return { ...message, datagram: message.datagram.slice() };
  return message.kind === 'packet' ? { ...message, packet: message.packet.slice() } : message;
}

function decodeText(bytes: Uint8Array): string {
  const port = readUint32LE(bytes, 8) >>> 16;
  return bytes[8] === 4 ? `${bytes.slice(16, 20).join('.')}:${port}` : `v6:${port}`;
}
