/** What a device can tell of its peers' answers: a rival with its key, a deaf server, a dead one. */
import { expect, test } from 'vitest';
import { addPeer, innerPrefixes, makeConnectedPair, makeNetwork } from './pair.ts';
import type { Station } from './station.ts';

const SECOND_MS = 1_000;

const repliesOf = (station: Station): ReturnType<Station['status']>['peers'][number]['replies'] =>
  station.status().peers[0].replies;

test('of two clients with one key each takes the server back, and sees it', () => {
  const network = makeNetwork(1);
  const privateKey = network.random.bytes(32);
  // One name: for server, ledger and eavesdropper they are one.
  const a = network.addStation({ name: 'a', privateKey });
  const server = network.addStation();
  const rival = network.addStation({ name: 'a', privateKey });
  server.configure({
    peers: [{ publicKey: a.publicKey, allowedIPs: [...innerPrefixes(a), ...innerPrefixes(rival)] }],
  });
  for (const client of [a, rival]) addPeer(client, server, { endpoint: server.endpoint });
  for (let second = 0; second < 120; second++) {
    a.send(server);
    rival.send(server);
    server.send(a);
    network.advance(SECOND_MS);
  }
  for (const client of [a, rival]) {
    const { reclaimedAt } = repliesOf(client);
    expect(reclaimedAt).toHaveLength(3);
    expect(reclaimedAt[2] - reclaimedAt[0], 'in a row').toBeLessThan(75 * SECOND_MS);
  }
});

test('a server that was away for a while is no sign of a rival', () => {
  const { network, a, b } = makeConnectedPair(2);
  for (let second = 0; second < 120; second++) {
    network.gate = () => (second % 60 < 40 && second > 5 ? 'drop' : 0);
    a.send(b);
    b.send(a);
    network.advance(SECOND_MS);
  }
  expect(repliesOf(a).reclaimedAt.length).toBeLessThan(3);
});

test('a server that does not take our address leaves data unanswered, keepalives or not', () => {
  const { network, a, b } = makeConnectedPair(3);
  b.configure({
    peers: [{ publicKey: a.publicKey, replaceAllowedIPs: true, allowedIPs: [] }],
  });
  const start = network.now;
  for (let second = 0; second < 60; second++) {
    a.send(b);
    network.advance(SECOND_MS);
  }
  expect(network.eavesdropper.seen({ kind: 'keepalive', sender: 'b', since: start })).not.toEqual(
    [],
  );
  expect(repliesOf(a)).toMatchObject({ unansweredSince: start, reclaimedAt: [] });
});

test('data waits from the moment at which the keys of a dead server are too old', () => {
  const { network, a, b } = makeConnectedPair(4);
  network.gate = () => 'drop';
  const start = network.now;
  const { lastHandshakeAt } = repliesOf(a);
  for (let second = 0; second < 200; second++) {
    a.send(b);
    network.advance(SECOND_MS);
  }
  const { waitingSince } = repliesOf(a);
  expect(waitingSince).toBeGreaterThanOrEqual((lastHandshakeAt ?? 0) + 180 * SECOND_MS);
  expect(waitingSince).toBeLessThan(start + 182 * SECOND_MS);
});
