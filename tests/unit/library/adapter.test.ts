/** The adapter: two of them wired to each other, under a clock and a timer that the test moves. */
import { describe, expect, it } from 'vitest';
import { DeviceAdapter } from '../../../src/library/adapter.ts';
import { x25519 } from '../../../src/linux/x25519.ts';
import { Device } from '../../../src/wireguard/device.ts';
import {
  CountingEntropy,
  ipv4Packet,
  NamedEndpoint,
  staticKeys,
  stoppedClock,
} from '../wireguard/stand-ins.ts';

const INITIATION = 1;
const TRANSPORT = 4;
const NOBODY = [10, 0, 0, 9];

interface Party {
  readonly keys: ReturnType<typeof staticKeys>;
  readonly place: NamedEndpoint;
  readonly inner: readonly number[];
}

const ALICE: Party = {
  keys: staticKeys(1),
  place: new NamedEndpoint('alice'),
  inner: [10, 0, 0, 1],
};
const BOB: Party = { keys: staticKeys(2), place: new NamedEndpoint('bob'), inner: [10, 0, 0, 2] };

describe('two adapters wired to each other', () => {
  it('make a handshake and pass packets both ways within one call', () => {
    const { alice, bob } = makePair();
    alice.sendPacket(100);
    expect(bob.received).toEqual([packet(ALICE, BOB.inner, 100)]);
    bob.sendPacket(60);
    expect(alice.received).toEqual([packet(BOB, ALICE.inner, 60)]);
  });

  it('keep the order of packets that are sent from within a sink', () => {
    const { alice, bob } = makePair();
    bob.onReceive = () => {
      for (const length of [61, 62, 63]) bob.sendPacket(length);
    };
    alice.sendPacket(100);
    expect(alice.received.map(({ length }) => length)).toEqual([61, 62, 63]);
  });

  it('talk as long as they like without a deeper stack', () => {
    const rounds = 3_000;
    const { alice, bob } = makePair();
    bob.onReceive = () => bob.sendPacket(20);
    alice.onReceive = () => {
      if (alice.received.length < rounds) alice.sendPacket(20);
    };
    alice.sendPacket(20);
    expect(alice.received).toHaveLength(rounds);
    expect(alice.adapter.lostOutputs).toBe(0);
  });

  it('leave alone every byte that they are given, and never touch one that they gave', () => {
    const { alice, bob } = makePair();
    const given = packet(ALICE, BOB.inner, 100);
    alice.adapter.sendPacket(given);
    alice.adapter.sendPacket(given);
    expect(given).toEqual(packet(ALICE, BOB.inner, 100));

    const sent = alice.sent.filter(([type]) => type === TRANSPORT);
    const copies = sent.map((datagram) => datagram.slice());
    for (const datagram of sent) bob.adapter.receiveDatagram(datagram, ALICE.place);
    expect(bob.adapter.status().drops.replayed).toBe(2);
    expect(sent).toEqual(copies);
  });

  it('hand out memory that is shared with nothing, so that it may be transferred', () => {
    const { alice, bob } = makePair();
    for (const length of [100, 200]) alice.sendPacket(length);
    alice.adapter.sendPacket(packet(ALICE, NOBODY, 100));
    for (const bytes of [...alice.sent, ...bob.received, ...alice.received]) {
      expect(bytes.buffer.byteLength).toBe(bytes.length);
    }
    expect(bob.received).toHaveLength(2);
    expect(alice.received).toHaveLength(1);
  });
});

describe('the timer of an adapter', () => {
  it('is not armed while nothing is due', () => {
    const { timer } = new Side(ALICE, BOB);
    expect(timer.armed).toEqual([]);
  });

  it('brings the next initiation, after whole milliseconds and not too early', () => {
    const alice = new Side(ALICE, BOB);
    alice.timer.now = 0.5;
    alice.sendPacket(100);
    expect(alice.sentTypes()).toEqual([INITIATION]);
    const [armed] = alice.timer.armed;
    expect(Number.isInteger(armed.delayMs)).toBe(true);
    expect(armed.delayMs).toBeGreaterThanOrEqual(5_000);
    alice.timer.fire(armed, armed.delayMs);
    expect(alice.sentTypes()).toEqual([INITIATION, INITIATION]);
    expect(alice.timer.armed).toHaveLength(1);
  });

  it('may fire early: nothing is sent, and the rest of the time is waited for', () => {
    const alice = new Side(ALICE, BOB);
    alice.sendPacket(100);
    const [early] = alice.timer.armed;
    alice.timer.fire(early, 10);
    expect(alice.sentTypes()).toEqual([INITIATION]);
    expect(alice.timer.armed.map(({ delayMs }) => delayMs)).toEqual([early.delayMs - 10]);
  });

  it('is not moved while it is early enough', () => {
    const alice = new Side(ALICE, BOB);
    for (let i = 0; i < 50; i++) alice.sendPacket(100);
    expect(alice.timer.timesArmed).toBe(1);
  });

  it('is moved when something is due earlier', () => {
    const { alice, bob } = makePair();
    alice.sendPacket(100);
    const [before] = alice.timer.armed;
    const persistent = { publicKey: BOB.keys.staticPublic, persistentKeepaliveSeconds: 3 };
    alice.adapter.configure({ peers: [persistent] });
    expect(before.delayMs).toBeGreaterThan(3_000);
    expect(alice.timer.armed.map(({ delayMs }) => delayMs)).toEqual([3_000]);
    expect(bob.timer.armed).toHaveLength(1);
  });

  it('is taken back when there is nothing to wait for any more', () => {
    const alice = new Side(ALICE, BOB);
    alice.sendPacket(100);
    alice.adapter.configure({ replacePeers: true });
    expect(alice.timer.armed).toEqual([]);
  });

  it('is without effect if it fires although it was taken back', () => {
    const alice = new Side(ALICE, BOB);
    alice.sendPacket(100);
    const [stale] = alice.timer.armed;
    alice.adapter.configure({ replacePeers: true });
    const { readings } = alice.timer;
    stale.wake();
    expect(alice.timer.readings).toBe(readings);
  });
});

describe('an adapter whose sink fails it', () => {
  it('lets the caller see an error, and sends the rest with the next call', () => {
    const [alice, bob] = [new Side(ALICE, BOB), new Side(BOB, ALICE)];
    for (const length of [64, 128]) alice.sendPacket(length);
    bob.adapter.receiveDatagram(alice.sent[0], ALICE.place);

    alice.onSend = () => {
      throw new Error('no room');
    };
    expect(() => alice.adapter.receiveDatagram(bob.sent[0], BOB.place)).toThrow('no room');
    alice.onSend = () => undefined;
    alice.adapter.connect();
    expect(alice.sent.map(({ length }) => length)).toEqual([148, 32 + 64, 32 + 128, 32]);
  });

  it('loses what is more than a device can produce, and counts it', () => {
    const alice = new Side(ALICE, BOB);
    let packets = 0;
    // Each answer to a packet for nobody causes a hundred more such packets, until it is too much.
    alice.onReceive = () => {
      for (let i = 0; i < 100 && alice.adapter.lostOutputs === 0; i++) {
        alice.timer.now += 50;
        alice.adapter.sendPacket(packet(ALICE, NOBODY, 20));
        packets++;
      }
      if (alice.adapter.lostOutputs > 0) alice.adapter.close();
    };
    alice.adapter.sendPacket(packet(ALICE, NOBODY, 20));
    expect(alice.adapter.lostOutputs).toBe(1);
    expect(packets - alice.received.length).toBe(2 ** 17);
  });
});

describe('a closed adapter', () => {
  it('has no timer, no key, no peer, and nothing on its way', () => {
    const { alice, bob } = makePair();
    alice.sendPacket(100);
    bob.adapter.close();
    bob.adapter.close();
    expect(bob.timer.armed).toEqual([]);
    expect(bob.device.nextTimeout()).toBeUndefined();
    const { publicKey, peers } = bob.adapter.status();
    expect(publicKey).toBeUndefined();
    expect(peers).toEqual([]);
  });

  it('opens nothing that was meant for it, not even if its device is brought up again', () => {
    const { alice, bob } = makePair();
    alice.sendPacket(100);
    bob.adapter.close();
    const none = { transmit: () => undefined, deliver: () => undefined };
    alice.sendPacket(100);
    const last = alice.sent.at(-1)!;
    bob.device.handleDatagram(last.slice(), ALICE.place, 0, none);
    expect(bob.device.status(0).drops.deviceDown).toBe(1);
    bob.device.up(0, none);
    bob.device.handleDatagram(last.slice(), ALICE.place, 0, none);
    expect(bob.device.status(0).drops.unknownIndex).toBe(1);
    bob.device.handleDatagram(alice.sent[0], ALICE.place, 0, none);
    expect(bob.device.status(0).drops.noPrivateKey).toBe(1);
  });

  it('ignores every call', () => {
    const alice = new Side(ALICE, BOB);
    alice.adapter.close();
    const { readings } = alice.timer;
    alice.sendPacket(100);
    alice.adapter.receiveDatagram(new Uint8Array(148), BOB.place);
    alice.adapter.connect();
    alice.adapter.up();
    alice.adapter.configure({ privateKey: ALICE.keys.staticPrivate });
    expect(alice.timer.readings).toBe(readings);
    expect(alice.sent).toEqual([]);
  });

  it('sends nothing that was still waiting when a sink closed it', () => {
    const [alice, bob] = [new Side(ALICE, BOB), new Side(BOB, ALICE)];
    for (const length of [64, 128]) alice.sendPacket(length);
    bob.adapter.receiveDatagram(alice.sent[0], ALICE.place);
    alice.onSend = () => alice.adapter.close();
    alice.adapter.receiveDatagram(bob.sent[0], BOB.place);
    expect(alice.sent.map(({ length }) => length)).toEqual([148, 32 + 64]);
  });
});

/** One adapter with its device, its sinks and its timer. */
class Side {
  readonly adapter: DeviceAdapter;
  readonly device: Device;
  readonly timer: ManualTimer = new ManualTimer();
  readonly sent: Uint8Array[] = [];
  readonly received: Uint8Array[] = [];
  onSend: (datagram: Uint8Array) => void = () => undefined;
  onReceive: () => void = () => undefined;
  readonly #own: Party;
  readonly #other: Party;

  constructor(own: Party, other: Party) {
    this.#own = own;
    this.#other = other;
    const entropy = new CountingEntropy();
    this.device = new Device({ entropy, wallClock: stoppedClock, mtu: 1_420, x25519 });
    this.adapter = new DeviceAdapter(this.device, {
      sendDatagram: (to, datagram) => {
        expect(to).toBe(other.place);
        this.sent.push(datagram);
        this.onSend(datagram);
      },
      receivePacket: (received) => {
        this.received.push(received);
        this.onReceive();
      },
      clock: () => this.timer.read(),
      setTimer: (wake, delayMs) => this.timer.arm(wake, delayMs),
    });
    const prefix = { address: Uint8Array.from(other.inner), length: 32 };
    const peer = {
      publicKey: other.keys.staticPublic,
      endpoint: other.place,
      allowedIPs: [{ prefix }],
    };
    this.adapter.configure({ privateKey: own.keys.staticPrivate, peers: [peer] });
    this.adapter.up();
  }

  /** Sends a packet of `length` bytes to the other side. */
  sendPacket(length: number): void {
    this.adapter.sendPacket(packet(this.#own, this.#other.inner, length));
  }

  sentTypes(): number[] {
    return this.sent.map(([type]) => type);
  }
}

interface Armed {
  readonly wake: () => void;
  readonly delayMs: number;
}

/** A clock that the test sets, and a timer that fires when the test says so. */
class ManualTimer {
  now = 0;
  readings = 0;
  timesArmed = 0;
  armed: Armed[] = [];

  read(): number {
    this.readings++;
    return this.now;
  }

  arm(wake: () => void, delayMs: number): () => void {
    const armed = { wake, delayMs };
    this.timesArmed++;
    this.armed.push(armed);
    return () => this.#remove(armed);
  }

  /** Lets `afterMs` pass, and then the timer fire. */
  fire(armed: Armed, afterMs: number): void {
    this.now += afterMs;
    this.#remove(armed);
    armed.wake();
  }

  #remove(armed: Armed): void {
    this.armed = this.armed.filter((other) => other !== armed);
  }
}

function makePair(): { readonly alice: Side; readonly bob: Side } {
  const [alice, bob] = [new Side(ALICE, BOB), new Side(BOB, ALICE)];
  alice.onSend = (datagram) => bob.adapter.receiveDatagram(datagram, ALICE.place);
  bob.onSend = (datagram) => alice.adapter.receiveDatagram(datagram, BOB.place);
  return { alice, bob };
}

function packet(from: Party, to: readonly number[], length: number): Uint8Array {
  return ipv4Packet(from.inner, to, length);
}
