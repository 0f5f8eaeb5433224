/** What an update does to a device, and what its status tells. */
import { describe, expect, it } from 'vitest';
import { formatPrefix } from '../../../src/ip.ts';
import type { PeerUpdate } from '../../../src/wireguard/device.ts';
import { DROP_REASONS } from '../../../src/wireguard/drop-reason.ts';
import { messageType } from '../../../src/wireguard/messages.ts';
import {
  A4,
  B4,
  KEYS_OF_A,
  KEYS_OF_B,
  STRANGER,
  SECOND_MS,
  allow,
  Side,
  makeA,
  makeB,
  exchange,
  connect,
} from './side.ts';
import { ipv4Packet, NamedEndpoint, sequence } from './stand-ins.ts';

describe('configuration', () => {
  it('is refused as a whole if a length is wrong', () => {
    const a = makeA();
    const bad: PeerUpdate[] = [
      { publicKey: new Uint8Array(31) },
      { publicKey: STRANGER.staticPublic, presharedKey: new Uint8Array(33) },
      { publicKey: STRANGER.staticPublic, persistentKeepaliveSeconds: 65_536 },
      { publicKey: STRANGER.staticPublic, persistentKeepaliveSeconds: 0.5 },
      {
        publicKey: STRANGER.staticPublic,
        allowedIPs: [{ prefix: { address: new Uint8Array(5), length: 1 } }],
      },
      {
        publicKey: STRANGER.staticPublic,
        allowedIPs: [{ prefix: { address: new Uint8Array(4), length: 33 } }],
      },
    ];
    for (const peer of bad) {
      const update = { replacePeers: true, peers: [{ publicKey: sequence(1, 32) }, peer] };
      expect(() => a.configure(update)).toThrow(RangeError);
    }
    expect(() => a.configure({ privateKey: new Uint8Array(16) })).toThrow(RangeError);
    expect(a.peers).toHaveLength(1);
  });

  it('shows in status, and shows no key of ours', () => {
    const a = makeA({ presharedKey: sequence(9, 32), persistentKeepaliveSeconds: 25 });
    const status = a.device.status(0);
    expect(status.publicKey).toEqual(KEYS_OF_A.staticPublic);
    expect(Object.keys(status.drops)).toEqual([...DROP_REASONS]);
    expect(status.peers).toMatchObject([
      {
        publicKey: KEYS_OF_B.staticPublic,
        presharedKey: sequence(9, 32),
        persistentKeepaliveSeconds: 25,
        rxBytes: 0,
      },
    ]);
    expect(status.peers[0].allowedIPs.map(formatPrefix)).toEqual([
      '10.0.0.2/32',
      '2001:db8::2/128',
    ]);
    a.setPeer({ publicKey: KEYS_OF_B.staticPublic, presharedKey: new Uint8Array(32) });
    expect(a.peers[0]).not.toHaveProperty('presharedKey');
    expect(JSON.stringify(a.device.status(0))).not.toContain('private');
  });

  it('keeps copies of what it is given', () => {
    const publicKey = KEYS_OF_B.staticPublic.slice();
    const privateKey = KEYS_OF_A.staticPrivate.slice();
    const [a, b] = [new Side('a', privateKey), makeB()];
    const allowedIPs = allow('10.0.0.2/32');
    a.setPeer({ publicKey, endpoint: b.endpoint, allowedIPs });
    publicKey.fill(0);
    privateKey.fill(0);
    allowedIPs[0].prefix.address.fill(0);
    connect(a, b);
    expect(a.device.handshakesCompleted).toBe(1);
    expect(a.peers[0].allowedIPs.map(formatPrefix)).toEqual(['10.0.0.2/32']);
  });

  it('leaves out our own key as a peer, and removes a peer whose key becomes ours', () => {
    const a = makeA();
    a.setPeer({ publicKey: KEYS_OF_A.staticPublic, allowedIPs: allow('10.9.0.0/16') });
    expect(a.peers).toHaveLength(1);
    a.configure({ privateKey: KEYS_OF_B.staticPrivate });
    expect(a.peers).toEqual([]);
  });

  it('changes only what exists if told so, removes, and replaces', () => {
    const a = makeA();
    const publicKey = STRANGER.staticPublic;
    a.setPeer({ publicKey, updateOnly: true });
    expect(a.peers).toHaveLength(1);
    a.setPeer({ publicKey, allowedIPs: allow('10.0.0.0/8') });
    a.setPeer({ publicKey, updateOnly: true, persistentKeepaliveSeconds: 5 });
    expect(a.peers.map((peer) => peer.persistentKeepaliveSeconds)).toEqual([0, 5]);
    a.setPeer({ publicKey: KEYS_OF_B.staticPublic, remove: true });
    expect(a.peers.map((peer) => peer.publicKey)).toEqual([publicKey]);
    a.send(ipv4Packet(A4, B4, 60));
    expect(a.drops, 'its addresses are the other one’s').toEqual({ noEndpoint: 1 });
    a.configure({ replacePeers: true, peers: [{ publicKey: KEYS_OF_B.staticPublic }] });
    expect(a.peers.map((peer) => peer.publicKey)).toEqual([KEYS_OF_B.staticPublic]);
  });

  it('adds, takes away and replaces allowed IPs', () => {
    const a = makeA();
    const publicKey = KEYS_OF_B.staticPublic;
    const allowed = (): string[] => a.peers[0].allowedIPs.map(formatPrefix);
    a.setPeer({ publicKey, allowedIPs: allow('10.2.0.0/16') });
    expect(allowed()).toEqual(['10.0.0.2/32', '2001:db8::2/128', '10.2.0.0/16']);
    const [{ prefix }] = allow('10.0.0.2/32');
    a.setPeer({ publicKey, allowedIPs: [{ prefix, remove: true }] });
    expect(allowed()).toEqual(['2001:db8::2/128', '10.2.0.0/16']);
    a.setPeer({ publicKey, replaceAllowedIPs: true, allowedIPs: allow('10.3.0.0/16') });
    expect(allowed()).toEqual(['10.3.0.0/16']);
  });

  it('sends a keepalive when persistent keepalives are turned on, or first get an endpoint', () => {
    const [a, b] = [makeA(), makeB()];
    const publicKey = KEYS_OF_B.staticPublic;
    a.setPeer({ publicKey, persistentKeepaliveSeconds: 25 });
    expect(a.out.sent.map(({ datagram }) => messageType(datagram))).toEqual([1]);
    exchange(a, b);
    a.setPeer({ publicKey, persistentKeepaliveSeconds: 30 });
    expect(a.takeTypes(), 'they were on').toEqual([]);
    const other = { publicKey: STRANGER.staticPublic, persistentKeepaliveSeconds: 25 };
    a.setPeer(other);
    expect(a.takeTypes(), 'there is nowhere to send it').toEqual([]);
    a.setPeer({ ...other, endpoint: new NamedEndpoint('s') });
    expect(a.takeTypes()).toEqual([1]);
  });

  it('of the same private key changes nothing; of another it ends sending on what there was', () => {
    const [a, b] = [makeA(), makeB()];
    connect(a, b);
    a.configure({ privateKey: KEYS_OF_A.staticPrivate });
    a.send(ipv4Packet(A4, B4, 60));
    expect(a.takeTypes()).toEqual([4]);
    a.configure({ privateKey: STRANGER.staticPrivate });
    a.send(ipv4Packet(A4, B4, 60));
    expect(a.takeTypes(), 'at once, though the last one was just sent').toEqual([1]);
    b.send(ipv4Packet(B4, A4, 60));
    exchange(a, b);
    expect(a.out.takeDelivered(), 'what still comes is received').toHaveLength(1);
  });

  it('of a preshared key waits for the next handshake', () => {
    const [a, b] = [makeA(), makeB()];
    connect(a, b);
    a.setPeer({ publicKey: KEYS_OF_B.staticPublic, presharedKey: sequence(9, 32) });
    a.send(ipv4Packet(A4, B4, 60));
    exchange(a, b);
    expect(b.out.takeDelivered()).toHaveLength(1);
    a.now = b.now = 121 * SECOND_MS;
    a.send(ipv4Packet(A4, B4, 60));
    exchange(a, b);
    expect(a.drops).toEqual({ unopenedResponse: 1 });
  });
});
