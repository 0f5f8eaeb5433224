/**
 * Roaming: which datagrams move the endpoint of a peer, and which never do.
 */
import { expect, test } from 'vitest';
import { appendMacs } from './bare-peer.ts';
import { addBareStation } from './bare-station.ts';
import { SimEndpoint } from './sim-endpoint.ts';
import { makeConnectedPair, makeNetwork } from './pair.ts';
import type { Station } from './station.ts';

function endpointAt(station: Station): string | undefined {
  return station.status().peers[0].endpoint?.toString();
}

test('the endpoint follows data, keepalives and handshakes', () => {
  const network = makeNetwork(80);
  const station = network.addStation();
  const bare = addBareStation(network, station);
  const keypair = bare.handshake();

  bare.moveTo('203.0.113.1:11');
  bare.send(keypair.seal(0, network.ledger.issue(bare, station).packet));
  expect(endpointAt(station), 'data').toBe('203.0.113.1:11');
  bare.moveTo('[2001:db8::2]:22');
  bare.send(keypair.seal(1));
  expect(endpointAt(station), 'a keepalive').toBe('[2001:db8::2]:22');
  bare.moveTo('203.0.113.3:33');
  network.advance(20);
  bare.send(bare.createInitiation());
  expect(endpointAt(station), 'an initiation').toBe('203.0.113.3:33');
  expect(bare.takeKinds(), 'the response goes there').toContain('response');
});

test('the endpoint follows a response', () => {
  const network = makeNetwork(81);
  const station = network.addStation();
  const bare = addBareStation(network, station);
  station.connect();
  bare.peer.consumeInitiation(bare.take('initiation'));
  const { datagram, keypair } = bare.peer.createResponse();
  bare.moveTo('203.0.113.4:44');
  bare.send(datagram);
  expect(endpointAt(station)).toBe('203.0.113.4:44');
  expect(keypair.open(bare.take('keepalive')), 'the confirmation goes there').toHaveLength(0);
});

test('what waited for the confirmation goes where the confirmation came from', () => {
  const network = makeNetwork(85);
  const station = network.addStation();
  const bare = addBareStation(network, station);
  const keypair = bare.handshake();
  station.send(bare);
  expect(station.staged()).toBe(1);
  bare.moveTo('203.0.113.6:66');
  bare.send(keypair.seal(0));
  expect(keypair.open(bare.take('data')).length).toBeGreaterThan(0);
});

test('the endpoint follows data, keepalives and handshakes, but no cookie reply, forgery or replay', () => {
  const network = makeNetwork(82);
  const station = network.addStation();
  const bare = addBareStation(network, station);
  const home = bare.endpoint.toString();
  station.connect();
  const initiation = bare.take('initiation');
  const elsewhere = (datagram: Uint8Array): void => {
    network.inject(datagram, SimEndpoint.of('203.0.113.66:66'), station.endpoint);
    expect(endpointAt(station)).toBe(home);
  };
  elsewhere(bare.peer.createCookieReply(initiation, new Uint8Array(16)));
  bare.peer.consumeInitiation(initiation);
  const { datagram: response, keypair } = bare.peer.createResponse();
  // With a right mac1, which only takes the public key.
  const forge = (message: Uint8Array, position: number): Uint8Array => {
    const body = message.slice(0, message.length - 32);
    body[position] ^= 1;
    return appendMacs(body, station.publicKey);
  };
  elsewhere(forge(response, 59));
  expect(station.drops('unopenedResponse')).toBe(1);
  // Whoever makes the ephemeral key can seal any static key, but no timestamp.
  elsewhere(forge(bare.createInitiation(), 100));
  expect(station.drops('unopenedInitiation')).toBe(1);
  bare.send(response);
  expect(station.device.handshakesCompleted, 'our handshake was left alone').toBe(1);

  const data = keypair.seal(0, network.ledger.issue(bare, station).packet);
  bare.send(data);
  elsewhere(data);
  const keepalive = keypair.seal(1);
  bare.send(keepalive);
  elsewhere(keepalive);
  const forgery = keypair.seal(2, network.ledger.issue(bare, station).packet);
  forgery[20] ^= 1;
  elsewhere(forgery);
  elsewhere(keypair.seal(2n ** 53n));

  network.advance(20);
  const recorded = bare.createInitiation();
  elsewhere(forge(recorded, 60));
  elsewhere(forge(recorded, 100));
  expect(station.drops('unopenedInitiation')).toBe(3);
  bare.send(recorded);
  network.advance(20);
  elsewhere(recorded);
  network.advance(200_000);
  elsewhere(keypair.seal(3));
});

test('traffic follows a NAT that forgets its mapping', () => {
  const { network, a, b } = makeConnectedPair(83);
  a.rebind(SimEndpoint.of('203.0.113.5:5555'));
  const lost = b.send(a);
  network.advance(100);
  const up = a.send(b);
  network.advance(100);
  const down = b.send(a);
  network.advance(100);
  expect([lost, up, down].map((id) => network.ledger.isDelivered(id))).toEqual([false, true, true]);
  expect(endpointAt(b)).toBe('203.0.113.5:5555');
});

test('a replay from another address steals no traffic', () => {
  const { network, a, b } = makeConnectedPair(84);
  a.send(b);
  network.advance(100);
  const thief = SimEndpoint.of('203.0.113.66:66');
  for (const { datagram } of network.eavesdropper.seen({ sender: 'a' })) b.receive(datagram, thief);
  const id = b.send(a);
  network.advance(100);
  expect(network.ledger.isDelivered(id)).toBe(true);
});
