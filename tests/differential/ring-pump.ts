/**
 * The pump between memory and memory (pump/ring.h), as a fast path of the core: what is put in is
 * worked off when it is asked for, and what comes out is taken.
 */
import { concatBytes } from '@noble/hashes/utils.js';
import { readUint32LE } from '../../src/bytes.ts';
import { formatAddress, UdpEndpoint } from '../../src/ip.ts';
import { encodeEndpoint, Pump, type PumpMessage } from '../../src/linux/pump.ts';
import type { PumpPeerActivity } from '../../src/linux/pump-activity.ts';
import type { Endpoint, FastKeypair, FastPath, FastPrefix } from '../../src/wireguard/ports.ts';
import { VNET_BYTES } from './reference.ts';

const OUTPUT_BYTES = 72;
const TAKE_BYTES = 2 * (65_536 + 80);
/** No offload at all: one packet is one datagram, so that nothing has to be split to be compared. */
const WITHOUT_OFFLOADS = 0b1111;
/** PUMP_WITHOUT_HALVES, in a second run: the cipher as a whole, which other builds of Node have to do with. */
const WITHOUT_HALVES = process.env.WG_WRAP_TEST_HALVES === 'off' ? 0b1_0000 : 0;

/** How a pump is made. */
export interface RingOptions {
  readonly mtu: number;
  /** Whether it takes and makes super-packets and groups. */
  readonly hasOffloads?: boolean;
  readonly reserved?: readonly number[] | undefined;
  readonly workers?: number;
}

/** What the pump has put out. */
export interface RingOutput {
  readonly datagrams: {
    readonly to: string;
    readonly datagram: Uint8Array;
    readonly tos: number;
  }[];
  /** As a TUN takes them, with their virtio_net_hdr. */
  readonly frames: Uint8Array[];
  /** Sends of more than one datagram. */
  groups: number;
}

/** A pump in memory, with a clock that is set. */
export class RingPump implements FastPath {
  readonly pump: Pump;

  constructor(library: string, { mtu, hasOffloads = false, reserved, workers = 0 }: RingOptions) {
    const without = (hasOffloads ? 0 : WITHOUT_OFFLOADS) | WITHOUT_HALVES;
    const nowhere = { tun: -1, udp4: -1, udp6: -1, vnetHeaderBytes: VNET_BYTES };
    this.pump = Pump.open(library, { ...nowhere, mtu, reserved, workers, without });
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

  /** Puts a frame where the TUN is read. */
  giveFrame(frame: Uint8Array): void {
    this.pump.call('ring_give_packet', frame, frame.length);
  }

  /** Puts datagrams where the socket is read, as one receive: all but the last are equally long. */
  giveDatagrams(datagrams: readonly Uint8Array[], from: UdpEndpoint, ecn: number): void {
    const bytes = concatBytes(...datagrams);
    const { length } = bytes;
    const address = encodeEndpoint(from);
    // Of an empty array there is no address to pass.
    const given = length > 0 ? bytes : new Uint8Array(1);
    this.pump.call('ring_give_datagrams', address, ecn, datagrams[0].length, given, length);
  }

  /** Has the pump work off what waits. */
  step(): void {
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
    this.step();
    const output: RingOutput = { datagrams: [], frames: [], groups: 0 };
    const bytes = new Uint8Array(TAKE_BYTES);
    while (this.pump.call('ring_take', bytes, bytes.length) > 0) {
      const payload = bytes.slice(OUTPUT_BYTES, OUTPUT_BYTES + readUint32LE(bytes, 64));
      if (readUint32LE(bytes, 4) === 2) {
        output.frames.push(payload);
        continue;
      }
      const to = decodeEndpoint(bytes).toString();
      const segment = readUint32LE(bytes, 60);
      if (segment < payload.length) output.groups++;
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

function decodeEndpoint(bytes: Uint8Array): UdpEndpoint {
  const port = readUint32LE(bytes, 8) >>> 16;
  if (bytes[8] === 4) return new UdpEndpoint(bytes.slice(16, 20), port);
  const address = bytes.slice(16, 32);
  const zone = readUint32LE(bytes, 12);
  const host = formatAddress(address);
  return new UdpEndpoint(address, port, zone > 0 ? `${host}%${zone}` : host);
}
