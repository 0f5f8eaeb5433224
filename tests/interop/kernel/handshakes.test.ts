/**
 * Handshakes that don't complete at once: keys that the kernel and we don't agree about, and cookies.
 *
 * Where keys differ, the user gets exit status 124 and the reason, and the command has not run. An
 * end under a flood of initiations answers with a cookie only, and lets in whoever brings it back.
 * The flood comes from the host, so from the same address as the honest initiator, but from another
 * port: each has a cookie of its own.
 */
import { inject, expect, test } from 'vitest';
import type { Command } from '../../e2e/harness/command.ts';
import { makePresharedKey } from '../../e2e/harness/keys.ts';
import { KERNEL } from './harness/kernel-peer.ts';
import { HOST, LISTEN_PORT, useLab, type Client } from './harness/lab.ts';

const UNAUTHENTIC =
  /^wg-wrap: the reply did not authenticate: PresharedKey missing or different\n$/;

/** More than the kernel may have in its queue before it asks for cookies: 512. */
const BURST_FOR_KERNEL = 2000;
/** More than twice what we do a second before we ask: 128. */
const BURST_FOR_US = 300;

/** An initiation with a mac2: its first four bytes, after UDP's header of 8, aren't all zero. */
const STAMPED_INITIATION = `udp dst port ${KERNEL.port} and udp[8] == 1 and udp[140:4] != 0`;

const lab = useLab();

async function expectRefusal(client: Client, message: RegExp): Promise<void> {
  const result = await lab.runInVain(client);
  expect(result.status).toBe(124);
  expect(result.stderr).toMatch(message);
  expect(lab.host.has('marker')).toBe(false);
}

/** Starts a flood and waits for the first cookie, so for an end that is under load. */
async function flood(
  address: string,
  port: number,
  publicKey: string,
  burst: number,
): Promise<Command> {
  const argv = [process.execPath, inject('flood'), address, String(port), publicKey, String(burst)];
  return await lab.host.namespace.daemon(argv, /^cookie\n/m, { inputStaysOpen: true });
}

test("a preshared key that differs from the kernel's is named", async () => {
  const client = lab.client({
    presharedKey: makePresharedKey(),
    kernelPresharedKey: makePresharedKey(),
  });
  await lab.introduce(client);
  await expectRefusal(client, UNAUTHENTIC);
});

test('a preshared key that only the kernel has is named', async () => {
  const client = lab.client({ kernelPresharedKey: makePresharedKey() });
  await lab.introduce(client);
  await expectRefusal(client, UNAUTHENTIC);
});

test('a kernel that does not know our key is silent, and the message says what that may mean', async () => {
  const client = lab.client();
  await lab.introduce();
  await expectRefusal(client, /^wg-wrap: no reply to 1 handshake in 2 s: .* a wrong key .*\n$/);
});

test('the kernel lets us in when we bring its cookie', async () => {
  const client = lab.client();
  await lab.introduce(client);
  const { namespace } = lab.host;
  const tcpdump = ['tcpdump', '-l', '-n', '-t', '--immediate-mode', '-i', HOST.tap];
  const capture = await namespace.daemon([...tcpdump, STAMPED_INITIATION], /listening on/);
  const attack = await flood(
    KERNEL.outer4,
    KERNEL.port,
    lab.kernel.keys.publicKey,
    BURST_FOR_KERNEL,
  );
  const session = lab.start(client, ['echo', 'let in']);
  await capture.until(/UDP, length 148\n/);
  await attack.finish();
  expect(await session.wait()).toMatchObject({ status: 0, text: 'let in', stderr: '' });
  await namespace.stop(capture);
});

test('we let the kernel in when it brings our cookie', async () => {
  const client = lab.client({ initiator: 'kernel' });
  const session = lab.start(client, ['echo', 'let in']);
  await lab.tunnels(1);
  const attack = await flood(HOST.outer4, LISTEN_PORT, client.peer.publicKey, BURST_FOR_US);
  await lab.introduce(client);
  expect(await session.wait()).toMatchObject({ status: 0, text: 'let in', stderr: '' });
  await attack.finish();
  const log = await lab.kernel.log();
  expect(log).toContain('Receiving cookie response from');
  expect(log.match(/Sending handshake initiation to peer/g)?.length).toBeGreaterThan(1);
});
