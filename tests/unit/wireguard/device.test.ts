/** Two devices in memory. What time does to them is in tests/sim. */
import { describe, expect, it } from 'vitest';
import { formatHex } from '../../../src/bytes.ts';
import { x25519 } from '../../../src/linux/x25519.ts';
import { Device } from '../../../src/wireguard/device.ts';
import { messageType } from '../../../src/wireguard/messages.ts';
import type { WallClock } from '../../../src/wireguard/ports.ts';
import {
  A4,
  B4,
  KEYS_OF_A,
  KEYS_OF_B,
  STRANGER,
  SECOND_MS,
  allow,
  Side,
  hostOf,
  makeA,
  makeB,
  exchange,
  connect,
} from './side.ts';
import {
  CountingEntropy,
  ipv4Packet,
  ipv6Packet,
  NamedEndpoint,
  Recorder,
  sequence,
  staticKeys,
  stoppedClock,
} from './stand-ins.ts';

describe('two devices', () => {
  it.each([
    ['without a preshared key', {}],
    ['with one', { presharedKey: sequence(9, 32) }],
  ])('carry packets of both families both ways, %s', (_how, options) => {
    const [a, b] = [makeA(options), makeB(options)];
    connect(a, b);
    expect([a.device.handshakesCompleted, b.device.handshakesCompleted]).toEqual([1, 1]);
    const packets = [
      ipv4Packet(A4, B4, 61),
      ipv6Packet(hostOf(1), hostOf(2), 1_420),
      ipv4Packet(A4, B4, 20),
    ];
    for (const packet of packets) a.send(packet);
    exchange(a, b);
    expect(b.out.takeDelivered()).toEqual(packets.map(formatHex));
    const back = ipv4Packet(B4, A4, 99);
    b.send(back);
    exchange(a, b);
    expect(a.out.takeDelivered()).toEqual([formatHex(back)]);
    expect([a.drops, b.drops]).toEqual([{}, {}]);
  });

  it('agree on nothing with different preshared keys', () => {
    const [a, b] = [makeA({ presharedKey: sequence(9, 32) }), makeB()];
    connect(a, b);
    expect([a.device.handshakesCompleted, b.device.handshakesCompleted]).toEqual([0, 0]);
    expect(a.drops).toEqual({ unopenedResponse: 1 });
  });

  it('tell of a response that does not open once, however many follow', () => {
    const [a, b] = [makeA({ presharedKey: sequence(9, 32) }), makeB()];
    connect(a, b);
    expect(a.device.takeUnopenedResponse()).toEqual(KEYS_OF_B.staticPublic);
    expect(a.device.takeUnopenedResponse()).toBeUndefined();
    for (const later of [6_000, 12_000]) {
      a.now = b.now = later;
      a.device.handleTimeout(a.now, a.out);
      exchange(a, b);
    }
    expect(a.drops).toEqual({ unopenedResponse: 3 });
    expect(a.device.takeUnopenedResponse()).toBeUndefined();
    expect(b.device.takeUnopenedResponse()).toBeUndefined();
  });

  it('begin with what was staged, and its first counter is 0', () => {
    const [a, b] = [makeA(), makeB()];
    const packets = [50, 60, 70].map((length) => ipv4Packet(A4, B4, length));
    for (const packet of packets) a.send(packet);
    expect(a.out.sent.map(({ datagram }) => messageType(datagram))).toEqual([1]);
    exchange(a, b);
    expect(b.out.takeDelivered()).toEqual(packets.map(formatHex));
  });

  it('count what they carry alike', () => {
    const [a, b] = [makeA(), makeB()];
    connect(a, b);
    a.send(ipv4Packet(A4, B4, 100));
    exchange(a, b);
    expect(a.peers[0]).toMatchObject({ txBytes: 148 + 32 + 144, rxBytes: 92 });
    expect(b.peers[0]).toMatchObject({ rxBytes: 148 + 32 + 144, txBytes: 92 });
    expect(a.peers[0].lastHandshakeTime).toEqual(stoppedClock());
  });

  it('mark handshakes as AF41, and data with the ECN of what is inside', () => {
    const [a, b] = [makeA(), makeB()];
    a.device.connect(0, a.out);
    expect(a.out.sent[0].tos).toBe(0x88);
    exchange(a, b);
    const packet = ipv4Packet(A4, B4, 60);
    packet[1] = 0xfb;
    a.send(packet);
    a.device.connect(0, a.out);
    expect(a.out.sent.map(({ tos }) => tos)).toEqual([2, 0]);
  });

  it('hand on a congestion mark that the path has made', () => {
    const [a, b] = [makeA(), makeB()];
    connect(a, b);
    const packet = ipv4Packet(A4, B4, 60);
    packet[1] = 2;
    a.send(packet);
    exchange(a, b, 3);
    expect(b.out.delivered[0][1]).toBe(3);
  });
});

describe('a packet from the tunnel interface', () => {
  it('to an address of no peer, or of one without an endpoint, is answered at once', () => {
    const a = new Side('a', KEYS_OF_A.staticPrivate);
    a.setPeer({ publicKey: KEYS_OF_B.staticPublic, allowedIPs: allow('10.0.0.2/32') });
    a.send(ipv4Packet(A4, B4, 60));
    a.send(ipv4Packet(A4, [9, 9, 9, 9], 60));
    expect(a.drops).toEqual({ noEndpoint: 1, noPeer: 1 });
    expect(a.out.delivered.map((answer) => [...answer.subarray(12, 20), answer[20]])).toEqual([
      [...B4, ...A4, 3],
      [9, 9, 9, 9, ...A4, 3],
    ]);
    expect(a.out.sent).toEqual([]);
    expect(a.peers[0].stagedPackets).toBe(0);
  });

  it('is dropped if it is no IP packet, or the device is down, or has no key', () => {
    const a = makeA();
    a.send(new Uint8Array(0));
    a.send(ipv4Packet(A4, B4, 60).subarray(0, 19));
    a.send(Uint8Array.of(0x50, ...new Uint8Array(40)));
    expect(a.drops).toEqual({ outboundNotIp: 3 });
    a.configure({ privateKey: new Uint8Array(32) });
    a.send(ipv4Packet(A4, B4, 60));
    expect(a.drops).toEqual({ outboundNotIp: 3, noHandshake: 1 });
    a.device.down(0);
    a.send(ipv4Packet(A4, B4, 60));
    expect(a.drops).toEqual({ outboundNotIp: 3, noHandshake: 1, deviceDown: 1 });
  });

  it('wants a handshake even while other peers have taken all the room there is', () => {
    const a = makeA();
    for (let i = 0; i < 32; i++) {
      const publicKey = staticKeys(10 + i).staticPublic;
      const allowedIPs = allow(`10.1.0.${i}/32`);
      a.setPeer({ publicKey, endpoint: new NamedEndpoint('silent'), allowedIPs });
      for (let n = 0; n < 128; n++) a.send(ipv4Packet(A4, [10, 1, 0, i], 20));
    }
    a.out.takeSent();
    a.send(ipv4Packet(A4, B4, 60));
    expect(a.drops).toEqual({ stagingFull: 1 });
    expect(a.takeTypes()).toEqual([1]);
  });
});

describe('a datagram', () => {
  it('that a device which is down gets is one drop', () => {
    const b = makeB();
    b.device.down(0);
    b.device.handleDatagram(new Uint8Array(148), b.endpoint, 0, b.out);
    expect(b.drops).toEqual({ deviceDown: 1 });
  });

  it('of a stranger is never answered', () => {
    const b = makeB();
    const stranger = new Side('s', STRANGER.staticPrivate);
    const endpoint = new NamedEndpoint('b');
    stranger.setPeer({ publicKey: KEYS_OF_B.staticPublic, endpoint, allowedIPs: [] });
    connect(stranger, b);
    expect(b.drops).toEqual({ unknownPeer: 1 });
    expect(b.out.sent).toEqual([]);
  });

  it('with a source of somebody else, or none at all, is a drop after it moved the timers', () => {
    const [a, b] = [makeA(), makeB()];
    connect(a, b);
    const rxBefore = b.peers[0].rxBytes;
    a.setPeer({ publicKey: KEYS_OF_B.staticPublic, allowedIPs: allow('0.0.0.0/0') });
    a.send(ipv4Packet([10, 0, 0, 9], B4, 60));
    exchange(a, b);
    expect(b.drops).toEqual({ wrongSource: 1 });
    expect(b.peers[0].rxBytes, 'it did not pass all checks').toBe(rxBefore);
    expect(b.device.nextTimeout()).toBe(10 * SECOND_MS);
  });

  it.each([
    ['more than there is', [0xff, 0xff]],
    ['less than a header', [0, 19]],
  ])('is dropped if the packet inside claims %s', (_what, claimed) => {
    const [a, b] = [makeA(), makeB()];
    connect(a, b);
    const packet = ipv4Packet(A4, B4, 60);
    packet.set(claimed, 2);
    a.send(packet);
    exchange(a, b);
    expect(b.drops).toEqual({ wrongLength: 1 });
    expect(b.out.delivered).toEqual([]);
  });
});

describe('down', () => {
  it('wipes what is in flight; up begins anew', () => {
    const [a, b] = [makeA({ persistentKeepaliveSeconds: 25 }), makeB()];
    exchange(a, b);
    expect(a.device.handshakesCompleted).toBe(1);
    a.device.down(0);
    expect(a.device.nextTimeout()).toBeUndefined();
    a.device.connect(0, a.out);
    expect(a.takeTypes(), 'nothing is sent').toEqual([]);
    a.now = b.now = SECOND_MS;
    a.device.up(a.now, a.out);
    expect(a.out.sent.map(({ datagram }) => messageType(datagram))).toEqual([1]);
    exchange(a, b);
    expect(a.device.handshakesCompleted).toBe(2);
  });

  it('counts packets that waited', () => {
    const a = makeA();
    a.send(ipv4Packet(A4, B4, 60));
    a.device.down(0);
    expect(a.drops).toEqual({ handshakeGivenUp: 1 });
    expect(a.peers[0].stagedPackets).toBe(0);
  });
});

describe('a successor', () => {
  it('that gets the last timestamp is understood though the clock was set back', () => {
    const setBack: WallClock = () => ({ seconds: 1_000, nanoseconds: 0 });
    const [a, b] = [makeA(), makeB()];
    connect(a, b);
    const restart = (lastTimestamp: Uint8Array | undefined): Recorder => {
      const out = new Recorder();
      const device = new Device({
        entropy: new CountingEntropy(),
        wallClock: setBack,
        mtu: 1_420,
        x25519,
        ...(lastTimestamp && { lastTimestamp }),
      });
      const peer = { publicKey: KEYS_OF_B.staticPublic, endpoint: b.endpoint };
      device.configure({ privateKey: KEYS_OF_A.staticPrivate, peers: [peer] }, 0, out);
      device.up(0, out);
      device.connect(0, out);
      return out;
    };
    b.now = SECOND_MS;
    const give = (out: Recorder): void => {
      b.device.handleDatagram(out.takeSent()[0], a.endpoint, b.now, b.out);
    };
    give(restart(undefined));
    expect(b.drops).toEqual({ replayedInitiation: 1 });
    give(restart(a.device.lastTimestamp));
    expect(b.takeTypes()).toEqual([2]);
  });
});
