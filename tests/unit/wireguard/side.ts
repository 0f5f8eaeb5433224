/**
 * Two devices side by side: A, which initiates, and B. Nothing passes between them until the test
 * carries it.
 */
import type { Prefix } from '../../../src/ip.ts';
import { parsePrefix } from '../../../src/ip.ts';
import { x25519 } from '../../../src/linux/x25519.ts';
import { PacketSlot } from '../../../src/slot.ts';
import type { DeviceUpdate, PeerUpdate } from '../../../src/wireguard/device.ts';
import { Device } from '../../../src/wireguard/device.ts';
import { messageType } from '../../../src/wireguard/messages.ts';
import type { StaticKeys } from '../../../src/wireguard/handshake.ts';
import type { Endpoint, WallClock } from '../../../src/wireguard/ports.ts';
import { CountingEntropy, NamedEndpoint, Recorder, staticKeys, stoppedClock } from './stand-ins.ts';

/** The address of A inside the tunnel. */
export const A4: readonly number[] = [10, 0, 0, 1];
/** The address of B inside the tunnel. */
export const B4: readonly number[] = [10, 0, 0, 2];
/** Static keys: of A, of B, and of somebody whom neither knows. */
export const KEYS_OF_A: StaticKeys = staticKeys(1);
export const KEYS_OF_B: StaticKeys = staticKeys(2);
export const STRANGER: StaticKeys = staticKeys(3);
export const SECOND_MS = 1_000;

/** Prefixes, as an update wants them. */
export function allow(...texts: string[]): { readonly prefix: Prefix }[] {
  return texts.map((text) => {
    const prefix = parsePrefix(text);
    if (!prefix) throw new Error(`not a prefix: ${text}`);
    return { prefix };
  });
}

/** A device with its outputs, and a clock that the test moves. */
export class Side {
  readonly out: Recorder = new Recorder();
  readonly device: Device;
  readonly endpoint: Endpoint;
  now = 0;

  constructor(
    name: string,
    privateKey: Uint8Array | undefined,
    wallClock: WallClock = stoppedClock,
  ) {
    this.endpoint = new NamedEndpoint(name);
    this.device = new Device({ entropy: new CountingEntropy(), wallClock, mtu: 1_420, x25519 });
    if (privateKey) this.configure({ privateKey });
    this.device.up(this.now, this.out);
  }

  configure(update: DeviceUpdate): void {
    this.device.configure(update, this.now, this.out);
  }

  setPeer(update: PeerUpdate): void {
    this.configure({ peers: [update] });
  }

  send(packet: Uint8Array): void {
    this.device.handleTunPacket(PacketSlot.of(packet), this.now, this.out);
  }

  /** The types of the messages sent since the last call. */
  takeTypes(): number[] {
    return this.out.takeSent().map(messageType);
  }

  get peers(): ReturnType<Device['status']>['peers'] {
    return this.device.status(this.now).peers;
  }

  /** The drops that there were. */
  get drops(): Record<string, number> {
    const counted = Object.entries(this.device.status(this.now).drops);
    return Object.fromEntries(counted.filter(([, count]) => count > 0));
  }
}

/** 2001:db8::N */
export function hostOf(number: number): Uint8Array {
  return Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, ...new Uint8Array(11), number);
}

/** A, which knows where B is. */
export function makeA(peer: Partial<PeerUpdate> = {}): Side {
  const side = new Side('a', KEYS_OF_A.staticPrivate);
  side.setPeer({
    publicKey: KEYS_OF_B.staticPublic,
    endpoint: new NamedEndpoint('b'),
    allowedIPs: allow('10.0.0.2/32', '2001:db8::2/128'),
    ...peer,
  });
  return side;
}

/** B, which learns where A is. */
export function makeB(peer: Partial<PeerUpdate> = {}): Side {
  const side = new Side('b', KEYS_OF_B.staticPrivate);
  side.setPeer({
    publicKey: KEYS_OF_A.staticPublic,
    allowedIPs: allow('10.0.0.1/32', '2001:db8::1/128'),
    ...peer,
  });
  return side;
}

/** Carries datagrams to and fro until there are none. */
export function exchange(a: Side, b: Side, ecn = 0): void {
  for (let round = 0; round < 10 && a.out.sent.length + b.out.sent.length > 0; round++) {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ]) {
      for (const datagram of from.out.takeSent()) {
        to.device.handleDatagram(datagram, from.endpoint, to.now, to.out, ecn);
      }
    }
  }
}

/** Has A begin a handshake, and carries it to its end. */
export function connect(a: Side, b: Side): void {
  a.device.connect(a.now, a.out);
  exchange(a, b);
}
