/**
 * Handshakes that don't complete at once: keys that wireguard-go and we don't agree about, and cookies.
 *
 * Where keys differ, the user gets exit status 124 and the reason, and the command has not run. An
 * end under a flood of initiations answers with a cookie only, and lets in whoever brings it back.
 * The flood comes from the address of the honest initiator, but from another port: each has a cookie
 * of its own.
 */
import { expect, inject, test } from 'vitest';
import type { Command } from '../../e2e/harness/command.ts';
import { makeKeyPair, makePresharedKey } from '../../e2e/harness/keys.ts';
import type { Namespace } from '../../e2e/harness/namespace.ts';
import { TUNNEL_PORT } from '../../e2e/harness/site.ts';
import { useTopology } from '../../e2e/harness/topology.ts';
import { LISTEN_PORT, Pair } from './harness/pair.ts';

/** wireguard-go asks for cookies once 128 handshakes wait for its workers. */
const BURST_FOR_THEM = 3000;
/** More than twice what we do a second before we ask: 128. */
const BURST_FOR_US = 300;

/** An initiation with a mac2: its first four bytes, after UDP's header of 8, aren't all zero. */
const STAMPED_INITIATION = `udp dst port ${TUNNEL_PORT} and udp[8] == 1 and udp[140:4] != 0`;

const UNAUTHENTIC =
  /^wg-wrap: the reply did not authenticate: PresharedKey missing or different\n$/;
const SILENCE = /^wg-wrap: no reply to 1 handshake in 2 s: .* a wrong key .*\n$/;

const topology = useTopology();

/** Runs a command that would leave a file, with two seconds to connect, and expects it not to run. */
async function expectRefusal(pair: Pair, message: RegExp): Promise<void> {
  const options = ['-c', pair.client.name, '--connect-timeout', '2s', '--'];
  const command = topology.host.wrap([...options, 'touch', 'marker']);
  await pair.meet();
  const result = await command.wait();
  expect(result.status).toBe(124);
  expect(result.stderr).toMatch(message);
  expect(topology.host.has('marker')).toBe(false);
}

/** Starts a flood and waits for the first cookie, so for an end that is under load. */
async function flood(
  from: Namespace,
  to: readonly [address: string, port: number],
  publicKey: string,
  burst: number,
): Promise<Command> {
  const argv = [process.execPath, inject('flood'), ...to.map(String), publicKey, String(burst)];
  return await from.daemon(argv, /^cookie\n/m, { inputStaysOpen: true });
}

test("a preshared key that differs from wireguard-go's is named", async () => {
  const pair = await Pair.make(topology, {
    presharedKey: makePresharedKey(),
    peerPresharedKey: makePresharedKey(),
  });
  await expectRefusal(pair, UNAUTHENTIC);
  expect(pair.log).toContain('Sending handshake response');
  const lines = (await topology.engineLog()).split('\n');
  const told = lines.filter((line) => line.includes('could not open the response of peer'));
  expect(told).toHaveLength(1);
  expect(told[0]).toContain(`peer ${pair.site.peer.keys.publicKey.slice(0, 4)}`);
});

test('a wireguard-go with another preshared key is not let in, and with the right one it is', async () => {
  const presharedKey = makePresharedKey();
  const wrong = await Pair.make(topology, {
    initiator: 'wireguard-go',
    presharedKey,
    peerPresharedKey: makePresharedKey(),
  });
  await expectRefusal(wrong, /^wg-wrap: /);
  expect(wrong.log).toContain('Sending handshake initiation');
  expect(wrong.log).not.toContain('Received handshake response');
  await topology.settled();
  const right = await Pair.make(topology, { initiator: 'wireguard-go', presharedKey });
  await (await right.hold()).finish();
});

test('wireguard-go hears nothing when it initiates with a key that we do not know', async () => {
  const pair = await Pair.make(topology, { initiator: 'wireguard-go' });
  const { publicKey } = pair.site.peer.keys;
  const stranger = pair.client.text.replace(publicKey, makeKeyPair().publicKey);
  topology.host.write(pair.client.name, stranger);
  await expectRefusal(pair, /^wg-wrap: no peer has spoken to us in 2 s, .*\n$/);
  expect(pair.log).toContain('Sending handshake initiation');
  expect(pair.log).not.toContain('Received');
});

test('wireguard-go is silent when we have another key of it, and the message says so', async () => {
  const pair = await Pair.make(topology);
  const { publicKey } = pair.site.peer.keys;
  const mistaken = pair.client.text.replace(publicKey, makeKeyPair().publicKey);
  topology.host.write(pair.client.name, mistaken);
  await expectRefusal(pair, SILENCE);
});

test('wireguard-go lets us in when we bring its cookie', async () => {
  const pair = await Pair.make(topology);
  const { addresses, namespace, peer } = pair.site;
  const tcpdump = ['tcpdump', '-l', '-n', '-t', '--immediate-mode', '-i', 'uplink'];
  const capture = await namespace.daemon([...tcpdump, STAMPED_INITIATION], /listening on/);
  const attack = await flood(
    topology.host.namespace,
    [addresses.outer4, TUNNEL_PORT],
    peer.keys.publicKey,
    BURST_FOR_THEM,
  );
  const session = await pair.start(['echo', 'let in']);
  await capture.until(/UDP, length 148\n/);
  await attack.finish();
  expect(await session.wait()).toMatchObject({ status: 0, text: 'let in', stderr: '' });
  await namespace.stop(capture);
  // tcpdump is a program of the host, and looks up the user that it becomes.
  await topology.look();
});

test('we let wireguard-go in when it brings our cookie', async () => {
  const pair = await Pair.make(topology, { initiator: 'wireguard-go', outer: 6 });
  // The flood's cookies leave the host as well, to a port of its own.
  topology.allow(new RegExp(`\\.${LISTEN_PORT} > .*: UDP, length 64$`));
  const { host6 } = pair.site.addresses;
  const session = topology.start(pair.client, ['echo', 'let in']);
  await pair.listening();
  const { namespace } = pair.site;
  const { publicKey } = pair.client;
  const attack = await flood(namespace, [host6, LISTEN_PORT], publicKey, BURST_FOR_US);
  await pair.meet();
  expect(await session.wait()).toMatchObject({ status: 0, text: 'let in', stderr: '' });
  await attack.finish();
  expect(pair.log).toContain('Receiving cookie response from');
  expect(pair.log.match(/Sending handshake initiation/g)?.length).toBeGreaterThan(1);
});
