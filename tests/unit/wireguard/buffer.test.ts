import { Buffer } from 'node:buffer';
import { expect, it } from 'vitest';
import { UdpEndpoint, parsePrefix } from '../../../src/ip.ts';
import { entropy } from '../../../src/linux/entropy.ts';
import { Device } from '../../../src/wireguard/device.ts';
import { x25519 } from '../../../src/wireguard/x25519.ts';

/** A device with one peer that may have any address, and what it sent. */
function device(privateKey: Uint8Array, remotePrivate: Uint8Array, endpoint?: UdpEndpoint) {
  const sent: Uint8Array[] = [];
  const out = {
    transmit: (_to: unknown, datagram: Uint8Array) => sent.push(Uint8Array.from(datagram)),
    deliver: () => undefined,
  };
  const made = new Device({
    entropy,
    wallClock: () => ({ seconds: 1, nanoseconds: 0 }),
    mtu: 1420,
    x25519,
  });
  const peer = {
    publicKey: x25519.publicKey(remotePrivate),
    allowedIPs: [{ prefix: parsePrefix('0.0.0.0/0')! }],
    ...(endpoint && { endpoint }),
  };
  made.configure({ privateKey, peers: [peer] }, 0, out);
  made.up(0, out);
  return { device: made, out, sent };
}

it('datagrams that are Buffers, whose slice() is a view, are as good as any', () => {
  const [one, two] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const at = (port: number) => new UdpEndpoint(Uint8Array.of(127, 0, 0, 1), port);
  const initiator = device(one, two, at(2));
  const responder = device(two, one);
  initiator.device.connect(0, initiator.out);
  for (let round = 0; round < 3; round++) {
    for (const datagram of initiator.sent.splice(0)) {
      responder.device.handleDatagram(Buffer.from(datagram), at(1), 1, responder.out);
    }
    for (const datagram of responder.sent.splice(0)) {
      initiator.device.handleDatagram(Buffer.from(datagram), at(2), 1, initiator.out);
    }
  }
  expect(initiator.device.handshakesCompleted).toBe(1);
  expect(responder.device.handshakesCompleted).toBe(1);
});
