/**
 * The core alone and the core with a pump, held against each other packet by packet: random scripts of
 * good, late, doubled, cut, forged and misrouted things, with handshakes, rekeys, roaming and changes of
 * the configuration in between.
 */
import { afterAll, expect, inject, test } from 'vitest';
import { UdpEndpoint } from '../../src/ip.ts';
import type { DropReason } from '../../src/wireguard/drop-reason.ts';
import { makeInnerPacket } from '../sim/inner-packet.ts';
import { Random } from '../sim/random.ts';
import { OURS, Remote } from './remote.ts';
import { Twins, type Sent } from './twins.ts';

const MTU = 1420;
const STEPS = 400;
const SEEDS = Array.from({ length: 12 }, (_, i) => 700 + i);
/** What a pump may see, and so what all scripts together have to contain. */
const REASONS: readonly DropReason[] = [
  'malformed',
  'unknownIndex',
  'expired',
  'counterExceeded',
  'unauthentic',
  'replayed',
  'notIp',
  'truncatedHeader',
  'wrongLength',
  'wrongSource',
  'outboundNotIp',
  'noPeer',
];
const met = new Set<string>();

/** A packet as programs inside make them: mostly good. */
function outgoing(random: Random, remotes: readonly Remote[]): Uint8Array {
  const family = random.chance(0.5) ? 4 : 6;
  const { addresses } = remotes[random.below(remotes.length)];
  const destination = random.chance(0.95) ? addresses[family] : OURS[family];
  const size = random.chance(0.2) ? MTU : 44 + random.below(MTU - 44);
  const packet = makeInnerPacket(1, OURS[family], destination, size);
  packet[1] |= family === 4 ? random.below(4) : random.below(4) << 4;
  return random.chance(0.95) ? packet : random.bytes(random.below(60));
}

function step(random: Random, twins: Twins, remotes: readonly Remote[]): readonly Sent[] {
  const remote = remotes[random.below(remotes.length)];
  const other = remotes[random.below(remotes.length)];
  const dice = random.below(100);
  if (dice < 30) return twins.givePacket(outgoing(random, remotes));
  if (dice < 55) return remote.send(remote.packet(random.below(MTU - 16)));
  if (dice < 58) return remote.send(new Uint8Array(0));
  if (dice < 78) return remote.misbehave(other);
  if (dice < 84) return remote.answer();
  if (dice < 88) return twins.advance(1 + random.below(3_000));
  if (dice < 90) return twins.advance(random.chance(0.5) ? 121_000 : 15_500);
  if (dice < 91) return twins.advance(181_000);
  if (dice < 94) {
    twins.advance(25);
    return remote.initiate();
  }
  if (dice < 97) {
    remote.from = new UdpEndpoint(remote.from.address, 1_024 + random.below(60_000));
    return remote.send(remote.packet(100));
  }
  if (dice < 98) {
    const { publicKey } = remote.peer;
    const persistentKeepaliveSeconds = random.below(3) * 7;
    const sent = twins.configure({ peers: [{ publicKey, persistentKeepaliveSeconds }] });
    // A pump's times are milliseconds: within one, a packet before the change and one after are alike.
    return [...sent, ...twins.advance(1)];
  }
  if (dice < 99) {
    const { publicKey } = remote.peer;
    const takes = { publicKey, allowedIPs: other.prefixes };
    const gives = { publicKey: other.peer.publicKey, allowedIPs: other.prefixes };
    return twins.configure({ peers: random.chance(0.3) ? [takes] : [gives] });
  }
  return random.chance(0.5) ? twins.restart() : [];
}

test.each(SEEDS)('the core with a pump is the core, with seed %i', (seed) => {
  const random = new Random(seed + 10_000);
  const twins = new Twins(inject('pump'), { seed, mtu: MTU });
  try {
    const remotes = [2, 3].map((number) => new Remote(twins, random, number));
    for (const { peer, from, prefixes } of remotes) {
      const known = { publicKey: peer.publicKey, endpoint: from, allowedIPs: prefixes };
      twins.configure({ peers: [known] });
    }
    for (let i = 0; i < STEPS; i++) {
      const sent = step(random, twins, remotes);
      for (const remote of remotes) remote.hear(sent);
    }
    for (const [reason, count] of Object.entries(twins.drops)) if (count > 0) met.add(reason);
  } finally {
    twins.close();
  }
});

test('a packet of any length is sealed and opened as the core does', () => {
  const mtu = 9_000;
  const random = new Random(1);
  const twins = new Twins(inject('pump'), { seed: 2, mtu });
  try {
    const remote = new Remote(twins, random, 2);
    const { peer, from, prefixes } = remote;
    twins.configure({
      peers: [{ publicKey: peer.publicKey, endpoint: from, allowedIPs: prefixes }],
    });
    remote.hear(remote.initiate());
    const [{ keypair }] = remote.keypairs;
    twins.giveDatagram(keypair.seal(0, new Uint8Array(0)), from, 0);
    const lengths = Array.from({ length: 2_200 }, (_, at) => at + 44);
    for (const length of [...lengths, 4_000, 4_096, 8_999, mtu]) {
      const sent = twins.givePacket(makeInnerPacket(1, OURS[4], remote.addresses[4], length));
      expect(sent.map(({ datagram }) => datagram[0])).toEqual([4]);
      twins.giveDatagram(keypair.seal(length, remote.packet(length - 16)), from, 0);
    }
    expect(Object.values(twins.drops).filter((count) => count > 0)).toEqual([]);
  } finally {
    twins.close();
  }
});

afterAll(() => {
  expect(
    REASONS.filter((reason) => !met.has(reason)),
    'never met',
  ).toEqual([]);
});
