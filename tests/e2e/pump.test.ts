/**
 * Who moves the packets. All other tests run with the pump, and fail if an engine goes on without it;
 * here are tunnels that have none, or lose it, which have to be as good but for their speed.
 */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Client } from './harness/client.ts';
import type { Command } from './harness/command.ts';
import { clean, useTopology } from './harness/topology.ts';

const OTHER_PORT = 40_404;
const HOLD = ['sh', '-c', 'echo up; exec cat'] as const;

/** Sends a request to a control socket, and prints the answer. */
const ASK = `
  const [path, request] = process.argv.slice(1);
  // A socket's whole path can be too long for its address.
  process.chdir(require('node:path').dirname(path));
  const socket = require('node:net').connect('control.sock', () => socket.write(request + '\\n\\n'));
  socket.on('data', (text) => process.stdout.write(text, () => socket.end()));
`;

const topology = useTopology();

/** Starts a tunnel with `env`. */
async function begin(
  env: Record<string, string> = {},
): Promise<{ readonly client: Client; readonly session: Command }> {
  const client = await topology.client();
  const session = topology.start(client, HOLD, { inputStaysOpen: true, env });
  await session.until(/^up$/m);
  return { client, session };
}

/** Carries five megabytes through the tunnel, and expects who has moved them. */
async function expectTransfer(client: Client, dataPath: string): Promise<void> {
  const { inner4, inner6 } = topology.site.addresses;
  const script = `curl -sS http://${inner4}/part | sha256sum | cut -d' ' -f1
    curl -sS http://[${inner6}]/part.sha256`;
  const [actual, expected] = (await topology.output(client, ['sh', '-euc', script])).split('\n');
  expect(actual).toBe(expected);
  const status = await topology.host.wrap(['status', '--json', 'work']).wait();
  expect(JSON.parse(status.text)).toMatchObject({ engine: { data_path: dataPath, restarts: 0 } });
}

test('the pump moves the packets', async () => {
  const { client, session } = await begin({ WG_WRAP_PUMP: 'on' });
  await expectTransfer(client, 'pump');
  expect((await session.finish()).status).toBe(0);
});

test('WG_WRAP_PUMP=off has the engine move them itself', async () => {
  const { client, session } = await begin({ WG_WRAP_PUMP: 'off' });
  await expectTransfer(client, 'typescript');
  expect((await session.finish()).status).toBe(0);
  expect(await topology.engineLog()).toContain('data path typescript');
});

test('its workers share the cipher with it, as many as there are', async () => {
  const { client, session } = await begin({ WG_WRAP_PUMP: 'on', WG_WRAP_PUMP_WORKERS: '3' });
  await expectTransfer(client, 'pump');
  const status = await topology.host.wrap(['status', '--json', 'work']).wait();
  expect(JSON.parse(status.text)).toMatchObject({ engine: { workers: 6 } });
  expect((await session.finish()).status).toBe(0);
  expect(await topology.engineLog()).toContain('data path pump, 6 workers');
});

test('a number of workers that there cannot be is refused', async () => {
  const client = await topology.client();
  const env = { WG_WRAP_PUMP_WORKERS: '8' };
  expect(await topology.run(client, ['true'], { env })).toMatchObject({
    status: 64,
    stderr: 'wg-wrap: WG_WRAP_PUMP_WORKERS "8": expected a number from 0 to 7\n',
  });
});

test('a pump that cannot be loaded is no obstacle, and the log says why', async () => {
  topology.allowNoPump();
  const { namespace, prefix } = topology.host;
  const library = `${prefix}/lib/wg-wrap/libwgpump.so`;
  await namespace.sh(`mount --bind /etc/hostname ${library}`);
  try {
    const { client, session } = await begin({ WG_WRAP_PUMP: 'on' });
    await expectTransfer(client, 'typescript');
    expect((await session.finish()).status).toBe(0);
  } finally {
    await namespace.sh(`umount ${library}`);
  }
  expect(await topology.engineLog()).toMatch(/ could not use the pump \(.*libwgpump\.so.*\)/);
});

test('a pump that gets no threads for new sockets is replaced, and programs see a pause', async () => {
  topology.allowNoPump();
  const { client, session } = await begin({ WG_WRAP_PUMP: 'on' });
  await expectTransfer(client, 'pump');
  const { host, site } = topology;
  const engine = host.enginePid();
  const { inner4, client4 } = site.addresses;
  const pings = topology.start(client, ['ping', '-n', '-i0.2', '-w30', '-c40', inner4]);
  await pings.until(/icmp_seq=3 /);
  // The user may have no more processes from here on, and so no more threads.
  clean(await host.user(['prlimit', '--pid', String(engine), '--nproc=1:1']).wait());
  const control = host.stateFiles().find((file) => file.endsWith('/control.sock')) ?? '';
  const set = `set=1\nlisten_port=${OTHER_PORT}`;
  const ask = [process.execPath, '-e', ASK, join(host.runtime, control), set];
  expect((await host.user(ask).wait()).text).toBe('errno=0\n');
  await expectTransfer(client, 'typescript');
  expect(host.enginePid(), 'it is the same engine').toBe(engine);
  // The peer has heard of the new port, and of nothing else of the host's.
  expect((await site.peer.peerState()).endpoint).toMatch(new RegExp(`:${OTHER_PORT}$`));
  expect((await pings.wait()).text).toMatch(/ (3\d|40) received/);
  expect(await topology.output(client, ['curl', '-sS', `http://${inner4}/who`])).toBe(client4);
  expect((await session.finish()).status).toBe(0);
  const log = await topology.engineLog();
  expect(log.match(/ lost the pump .*/g)).toEqual([
    ' lost the pump (pump_start: EAGAIN), and goes on without it',
  ]);
});
