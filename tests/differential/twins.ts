/**
 * Two devices that get the same things at the same time: one moves its packets itself, the other has a
 * pump. After each step everything that can be seen of them has to be equal.
 *
 * Both draw the same randomness, so that even their handshakes are the same to the byte. Handshake
 * messages and transport data leave the pumped one by different ways: each kind is compared in order.
 */
import { expect } from 'vitest';
import { formatHex } from '../../src/bytes.ts';
import { UdpEndpoint } from '../../src/ip.ts';
import { PacketSlot } from '../../src/slot.ts';
import { Device, type DeviceStatus, type DeviceUpdate } from '../../src/wireguard/device.ts';
import { DROP_REASONS } from '../../src/wireguard/drop-reason.ts';
import { TYPE_TRANSPORT } from '../../src/wireguard/messages.ts';
import type { Endpoint, Outputs } from '../../src/wireguard/ports.ts';
import { Random } from '../sim/random.ts';
import { smallGroup } from '../sim/small-group.ts';
import { RingPump } from './ring-pump.ts';

const PEERS = 3;

/** One datagram on its way out. */
export interface Sent {
  readonly to: string;
  readonly datagram: Uint8Array;
  readonly tos: number;
}

class Recorder implements Outputs {
  readonly sent: Sent[] = [];
  readonly delivered: Uint8Array[] = [];

  transmit(to: Endpoint, datagram: Uint8Array, tos: number): void {
    this.sent.push({ to: to.toString(), datagram: datagram.slice(), tos });
  }

  deliver(packet: Uint8Array): void {
    this.delivered.push(packet.slice());
  }
}

/** The two devices. */
export class Twins {
  now = 1_000_000;
  readonly publicKey: Uint8Array;
  readonly #ring: RingPump;
  readonly #plain: Device;
  readonly #pumped: Device;
  #expected = new Recorder();
  #actual = new Recorder();
  /** What was put in last, for the message of a difference. */
  #step = 'nothing';

  constructor(library: string, seed: number, mtu: number) {
    const privateKey = new Random(seed).bytes(32);
    this.publicKey = smallGroup.publicKey(privateKey);
    const make = (): Device => {
      const wallClock = { seconds: 1_700_000_000, nanoseconds: 0 };
      const options = { entropy: new Random(seed + 1), wallClock: () => wallClock, mtu };
      return new Device({ ...options, x25519: smallGroup });
    };
    [this.#plain, this.#pumped] = [make(), make()];
    this.#ring = new RingPump(library, mtu);
    this.#ring.now = this.now;
    this.#pumped.useFastPath(this.#ring);
    this.configure({ privateKey });
    this.#both((device, out) => {
      device.up(this.now, out);
    });
  }

  close(): void {
    this.#ring.close();
  }

  /** Lets time pass at once; what becomes due is done before the next step. */
  advance(milliseconds: number): readonly Sent[] {
    this.#step = `${milliseconds} ms later`;
    this.now += milliseconds;
    this.#ring.now = this.now;
    this.#sync();
    this.#both((device, out) => {
      device.handleTimeout(this.now, out);
    });
    return this.#compare();
  }

  configure(update: DeviceUpdate): readonly Sent[] {
    this.#step = `configure ${Object.keys(update).join(' ')}`;
    this.#both((device, out) => {
      device.configure(update, this.now, out);
    });
    return this.#compare();
  }

  /** Takes everything down, and brings it up again. */
  restart(): readonly Sent[] {
    this.#step = 'restart';
    this.#both((device, out) => {
      device.down(this.now);
      device.up(this.now, out);
    });
    return this.#compare();
  }

  givePacket(packet: Uint8Array): readonly Sent[] {
    this.#step = `packet ${formatHex(packet)}`;
    this.#plain.handleTunPacket(PacketSlot.of(packet), this.now, this.#expected);
    this.#ring.givePacket(packet);
    return this.#compare();
  }

  giveDatagram(datagram: Uint8Array, from: UdpEndpoint, ecn: number): readonly Sent[] {
    this.#step = `datagram ${formatHex(datagram)} from ${from.toString()}, ecn ${ecn}`;
    this.#plain.handleDatagram(datagram.slice(), from, this.now, this.#expected, ecn);
    this.#ring.giveDatagram(datagram, from, ecn);
    return this.#compare();
  }

  /** What has been dropped, by reason: so that a test can tell that it has met each of them. */
  get drops(): DeviceStatus['drops'] {
    return this.#plain.status(this.now).drops;
  }

  #both(verb: (device: Device, out: Outputs) => void): void {
    verb(this.#plain, this.#expected);
    verb(this.#pumped, this.#actual);
  }

  /** Tells the pumped device what the pump has handed up and done. */
  #sync(): void {
    for (const message of this.#ring.takeMessages()) {
      if (message.kind === 'handshake') {
        const { datagram, from } = message;
        this.#pumped.handleDatagram(datagram, from, this.now, this.#actual);
      } else if (message.kind === 'packet') {
        this.#read();
        const slot = PacketSlot.of(message.packet);
        this.#pumped.handleTunPacket(slot, this.now, this.#actual);
      } else {
        this.#read();
      }
    }
    this.#read();
  }

  #read(): void {
    for (let peer = 0; peer < PEERS; peer++) {
      const activity = this.#ring.read(peer);
      this.#pumped.handleActivity(peer, activity, this.now, this.#actual);
    }
  }

  #compare(): readonly Sent[] {
    this.#sync();
    const { datagrams, packets } = this.#ring.takeOutput();
    // What the core has given down is done by now.
    this.#sync();
    const [expected, actual] = [this.#expected, this.#actual];
    this.#expected = new Recorder();
    this.#actual = new Recorder();
    const isTransport = ({ datagram }: Sent): boolean => datagram[0] === TYPE_TRANSPORT;
    const message = `${this.#step} at ${this.now}`;
    expect(actual.sent.filter(isTransport), message).toEqual([]);
    expect(datagrams.map(show), message).toEqual(expected.sent.filter(isTransport).map(show));
    const others = expected.sent.filter((sent) => !isTransport(sent));
    expect(actual.sent.map(show), message).toEqual(others.map(show));
    const delivered = [...packets, ...actual.delivered].map(formatHex);
    expect(delivered, message).toEqual(expected.delivered.map(formatHex));
    expect(this.#look(this.#pumped, true), message).toEqual(this.#look(this.#plain, false));
    return expected.sent;
  }

  /** Everything that can be asked. */
  #look(device: Device, withPump: boolean): object {
    const { peers, drops } = device.status(this.now);
    const more: Record<string, number> = withPump ? this.#ring.pump.activity.drops : {};
    return {
      peers: peers.map(({ endpoint, rxBytes, txBytes, stagedPackets, silences }) => {
        return { endpoint: endpoint?.toString(), rxBytes, txBytes, stagedPackets, silences };
      }),
      drops: DROP_REASONS.map((reason) => `${reason} ${drops[reason] + (more[reason] ?? 0)}`),
      handshakes: device.handshakesCompleted,
      next: device.nextTimeout(),
    };
  }
}

function show({ to, datagram, tos }: Sent): string {
  // The ring tells of IPv6 only the port.
  const place = to.startsWith('[') ? `v6:${to.slice(to.lastIndexOf(':') + 1)}` : to;
  return `${place} ${tos} ${formatHex(datagram)}`;
}
