/**
 * Whole handshakes, byte for byte as wireguard-go made them: a device with the keys, the randomness and
 * the clock of either side of a recording must send what that side sent. How the recordings are made is
 * in transcripts/README.md.
 *
 *   initiator                          responder
 *     packet → initiation          →
 *                                  ←     response
 *     transport data (packet)      →     packet
 *     packet                       ←     transport data (packet)
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatHex } from '../../../src/bytes.ts';
import { parsePrefix } from '../../../src/ip.ts';
import { PacketSlot } from '../../../src/slot.ts';
import { Device } from '../../../src/wireguard/device.ts';
import type { Entropy, WallClock } from '../../../src/wireguard/ports.ts';
import { x25519 } from '../../../src/wireguard/x25519.ts';
import { hex, NamedEndpoint, Recorder, stoppedClock } from './stand-ins.ts';

/** One side of a recording; bytes are hexadecimal. */
interface Side {
  readonly staticPrivate: string;
  readonly ephemeralPrivate: string;
  /** The receiver index as it stands in a message. */
  readonly index: string;
  readonly handshakeMessage: string;
  readonly packet: string;
  readonly transportData: string;
}

interface Recording {
  readonly recordedFrom: string;
  /** Empty for none. */
  readonly presharedKey: string;
  readonly initiator: Side & { readonly seconds: number; readonly nanoseconds: number };
  readonly responder: Side;
}

const FOLDER = new URL('transcripts/', import.meta.url);
const PEER = new NamedEndpoint('peer');
const NOW = 1_000;
const MTU = 1_420;

const recordings = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.json'))
  .map((name) => {
    const text = readFileSync(new URL(name, FOLDER), 'utf8');
    return { name, recording: JSON.parse(text) as Recording };
  });

it('there are recordings without and with a preshared key, of IPv4 and IPv6', () => {
  expect(recordings.map(({ name }) => name).sort()).toEqual(['ipv4.json', 'ipv6-preshared.json']);
});

describe.each(recordings)('the transcript $name', ({ recording }) => {
  const { initiator, responder } = recording;

  it('is sent byte for byte by a device in the role of the initiator', () => {
    const out = new Recorder();
    const device = makeDevice(recording, initiator, responder, () => initiator);

    device.handleTunPacket(PacketSlot.of(hex(initiator.packet)), NOW, out);
    expect(out.takeSent().map(formatHex)).toEqual([initiator.handshakeMessage]);

    device.handleDatagram(hex(responder.handshakeMessage), PEER, NOW, out);
    expect(out.takeSent().map(formatHex)).toEqual([initiator.transportData]);

    device.handleDatagram(hex(responder.transportData), PEER, NOW, out);
    expect(out.takeDelivered()).toEqual([responder.packet]);
    expect(out.takeSent()).toEqual([]);
  });

  it('is sent byte for byte by a device in the role of the responder', () => {
    const out = new Recorder();
    const device = makeDevice(recording, responder, initiator, stoppedClock);

    device.handleDatagram(hex(initiator.handshakeMessage), PEER, NOW, out);
    expect(out.takeSent().map(formatHex)).toEqual([responder.handshakeMessage]);

    device.handleDatagram(hex(initiator.transportData), PEER, NOW, out);
    expect(out.takeSent()).toEqual([]);
    expect(out.takeDelivered()).toEqual([initiator.packet]);

    device.handleTunPacket(PacketSlot.of(hex(responder.packet)), NOW, out);
    expect(out.takeSent().map(formatHex)).toEqual([responder.transportData]);
  });
});

/** A device that is up, with the keys and the randomness of `own` and the other side for a peer. */
function makeDevice(
  { presharedKey }: Recording,
  own: Side,
  other: Side,
  wallClock: WallClock,
): Device {
  const device = new Device({ entropy: new RecordedEntropy(own), wallClock, mtu: MTU, x25519 });
  const out = new Recorder();
  const prefixes = ['0.0.0.0/0', '::/0'].map(parsePrefix).filter((prefix) => prefix !== undefined);
  const peer = {
    publicKey: x25519.publicKey(hex(other.staticPrivate)),
    endpoint: PEER,
    allowedIPs: prefixes.map((prefix) => ({ prefix })),
    ...(presharedKey && { presharedKey: hex(presharedKey) }),
  };
  device.configure({ privateKey: hex(own.staticPrivate), peers: [peer] }, NOW, out);
  device.up(NOW, out);
  expect(out.takeSent()).toEqual([]);
  return device;
}

/** The random bytes of one side, told apart by their number, each given once; and no jitter. */
class RecordedEntropy implements Entropy {
  readonly #recorded: Map<number, Uint8Array>;

  constructor({ index, ephemeralPrivate }: Side) {
    this.#recorded = new Map(
      [index, ephemeralPrivate].map(hex).map((bytes) => [bytes.length, bytes]),
    );
  }

  fill(bytes: Uint8Array): void {
    if (bytes.length === 2) return;
    const recorded = this.#recorded.get(bytes.length);
    if (!recorded) throw new Error(`${bytes.length} random bytes aren't in the recording`);
    this.#recorded.delete(bytes.length);
    bytes.set(recorded);
  }
}
