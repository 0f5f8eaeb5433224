/** A configuration that changes while its tunnel lives: told, and applied if asked for. */
import { renameSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Client } from './harness/client.ts';
import type { Command, Result } from './harness/command.ts';
import { eventually } from './harness/eventually.ts';
import type { Process } from './harness/snapshot.ts';
import { clean, useTopology } from './harness/topology.ts';

const topology = useTopology();

async function wrap(args: readonly string[]): Promise<Result> {
  return await topology.host.wrap(args).wait();
}

/** Runs something in the tunnel with `--restart`; returns what it printed. */
async function restart(client: Client, argv: readonly string[]): Promise<string> {
  return clean(await wrap(['-c', client.name, '--restart', '--', ...argv])).text;
}

function edit(client: Client, pattern: RegExp, replacement: string): void {
  topology.host.write(client.name, client.text.replace(pattern, replacement));
}

/** A session with a connection to the HTTP server that asks for something only when told to. */
async function connectEarly(client: Client): Promise<Command> {
  const { inner4 } = topology.site.addresses;
  const script = `exec 3<>/dev/tcp/${inner4}/80; readlink /proc/self/ns/net; read -r line
    printf 'GET /who HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3`;
  const session = topology.start(client, ['bash', '-c', script], { inputStaysOpen: true });
  await session.until(/^net:/m);
  return session;
}

test('a file that was only touched is joined', async () => {
  const client = await topology.client();
  const session = await topology.hold(client);
  topology.host.write(client.name, `# new\n${client.text}`);
  clean(await topology.run(client, ['true']));
  utimesSync(join(topology.host.home, client.name), 1, 1);
  clean(await topology.run(client, ['true']));
  await session.finish();
});

test('a run is told which keys have changed, and does not run', async () => {
  const client = await topology.client();
  const session = await topology.hold(client);
  edit(client, /^AllowedIPs.*$\n^Endpoint.*$/m, 'AllowedIPs = 10.9.0.0/24\nEndpoint = [::1]:1');
  expect(await topology.run(client, ['echo', 'ran'])).toMatchObject({
    status: 125,
    text: '',
    stderr:
      'wg-wrap: work.conf changed since the tunnel started (AllowedIPs, Endpoint); ' +
      'use --restart to apply it, or wg-wrap down work\n',
  });
  expect((await session.finish()).status).toBe(0);
});

test('--restart changes addresses, routes and MTU under programs, which go on', async () => {
  const client = await topology.client();
  const session = await connectEarly(client);
  const pin = topology.host.pinPid();
  const { inner4, client4, inner6 } = topology.site.addresses;
  edit(
    client,
    /^(Address = .*)$([^]*)^AllowedIPs.*$/m,
    '$1, 10.77.0.1/32\nMTU = 1300$2AllowedIPs = 10.9.0.0/24, 10.55.0.0/16',
  );
  const script = 'readlink /proc/self/ns/net; ip -o addr; ip route; ip -6 route; ip link show wg0';
  const after = await restart(client, ['sh', '-c', script]);
  const [namespace] = await session.until(/net:\[\d+\]/);
  expect(after.split('\n')[0]).toBe(namespace);
  expect(after).toContain('inet 10.77.0.1/32');
  expect(after).toContain('10.55.0.0/16 dev wg0');
  expect(after).not.toMatch(/^default/m);
  expect(after).toContain(' mtu 1300 ');
  expect((await topology.run(client, ['ping', '-6', '-c', '1', inner6])).status).not.toBe(0);
  // The old connection, and a new one; the pin and the count of failures are as before.
  expect(await topology.output(client, ['curl', '-sS', `http://${inner4}/who`])).toBe(client4);
  expect(topology.host.pinPid()).toBe(pin);
  session.write('\n');
  expect((await session.finish()).text).toContain(client4);
});

test('--restart applies other keys, and is no restart by failure', async () => {
  const first = await topology.client();
  const session = await topology.hold(first);
  const pin = topology.host.pinPid();
  // The same file with keys of which the peer knows nothing else any more.
  const second = await topology.client();
  const { inner4, client4 } = topology.site.addresses;
  const fetched = await restart(second, ['curl', '-sS', `http://${inner4}/who`]);
  expect(fetched).toBe(client4);
  expect(topology.host.pinPid()).toBe(pin);
  expect(topology.host.pins()[0].get('restarts')).toBe('0000000000');
  // Without --restart it is now the file that the tunnel runs with.
  clean(await topology.run(second, ['true']));
  await session.finish();
});

test('the file of the start is not taken for the one that was applied, even if it is put back', async () => {
  const client = await topology.client();
  const session = await topology.hold(client);
  const path = (name: string): string => join(topology.host.home, name);
  renameSync(path(client.name), path('kept.conf'));
  edit(client, /^AllowedIPs.*$/m, 'AllowedIPs = 10.9.0.0/24');
  await restart(client, ['true']);
  renameSync(path('kept.conf'), path(client.name));
  const result = await topology.run(client, ['echo', 'ran']);
  expect(result).toMatchObject({ status: 125, text: '' });
  expect(result.stderr).toContain('changed since the tunnel started (AllowedIPs)');
  await session.finish();
});

test('--restart keeps the port, unless the file has another one', async () => {
  const client = await topology.client({
    interfaceLines: ['ListenPort = 40111', 'DNS = 10.9.0.1'],
  });
  const session = await topology.hold(client);
  const port = async (): Promise<string | undefined> =>
    /listening port: (\d+)/.exec(clean(await wrap(['show'])).text)?.[1];
  expect(await port()).toBe('40111');
  edit(client, /$/, 'PersistentKeepalive = 20\n');
  await restart(client, ['true']);
  expect(await port()).toBe('40111');
  edit(client, /40111/, '40222');
  await restart(client, ['true']);
  expect(await port()).toBe('40222');
  await session.finish();
});

test('other name servers take a fresh tunnel: not while sessions run', async () => {
  const client = await topology.client();
  const session = await topology.hold(client);
  edit(client, /^DNS = .*$/m, 'DNS = 10.9.0.1, corp.example');
  const refusal = await wrap(['-c', client.name, '--restart', '--', 'echo', 'ran']);
  expect(refusal).toMatchObject({
    status: 125,
    text: '',
    stderr:
      'wg-wrap: DNS changed, which needs a fresh tunnel: end its sessions first ' +
      '(wg-wrap down work)\n',
  });
  expect((await session.finish()).status).toBe(0);
});

test('other name servers take a fresh tunnel, which is held if the old one was', async () => {
  const client = await topology.client();
  clean(await wrap(['up', client.name]));
  const before = topology.host.pinPid();
  edit(client, /^DNS = .*$/m, 'DNS = 10.9.0.1, corp.example');
  const resolver = await restart(client, ['cat', '/etc/resolv.conf']);
  expect(resolver.split('\n')).toContain('search corp.example');
  const after = topology.host.pinPid();
  expect(after).not.toBe(before);
  clean(await wrap(['exec', 'work', 'true']));
  expect(topology.host.pinPid()).toBe(after);
  clean(await wrap(['down']));
});

test('another option takes a fresh tunnel', async () => {
  const client = await topology.client();
  const session = await topology.hold(client);
  const args = ['-c', client.name, '--restart', '--mtu', '1280', '--', 'ip', 'link', 'show', 'wg0'];
  expect(await wrap(args)).toMatchObject({
    status: 125,
    stderr:
      'wg-wrap: --mtu 1280 needs a fresh tunnel: end its sessions first (wg-wrap down work)\n',
  });
  await session.finish();
  await topology.settled();
  clean(await wrap(['-c', client.name, '--linger', '60s', '--', 'true']));
  expect(clean(await wrap(args)).text).toContain(' mtu 1280 ');
});

test('--restart where nothing runs is a start', async () => {
  expect(await restart(await topology.client(), ['echo', 'ran'])).toBe('ran');
});

test('a file that is wrong is told, and the tunnel goes on as it is', async () => {
  const client = await topology.client();
  const session = await connectEarly(client);
  edit(client, /^AllowedIPs/m, 'AlowedIPs');
  const result = await wrap(['-c', client.name, '--restart', '--', 'echo', 'ran']);
  expect(result).toMatchObject({ status: 78, text: '' });
  expect(result.stderr).toContain('unknown key "AlowedIPs"');
  session.write('\n');
  expect((await session.finish()).text).toContain(topology.site.addresses.client4);
});

/** The launcher that puts another configuration into a tunnel; undefined while there is none. */
function applyingProcess(): Process | undefined {
  return topology.host.processes().find(({ command }) => command === 'wg-wrap-apply');
}

test('after a controller that was killed in between nobody takes the tunnel for either file’s', async () => {
  const client = await topology.client({
    interfaceLines: ['ListenPort = 40111', 'DNS = 10.9.0.1'],
  });
  const session = await topology.hold(client);
  edit(client, /^AllowedIPs.*$/m, 'AllowedIPs = 10.9.0.0/24');
  // An engine that doesn't stop when it is asked to leaves the time to find the controller.
  const engine = topology.host.enginePid();
  process.kill(engine, 'SIGSTOP');
  const run = topology.host.wrap(['-c', client.name, '--restart', '--', 'echo', 'ran']);
  const found = (): boolean => applyingProcess() !== undefined;
  await eventually(found, 15_000, () => 'nothing was applied');
  const controller = applyingProcess()?.parent ?? 0;
  process.kill(controller, 'SIGSTOP');
  await eventually(
    () => !found(),
    15_000,
    () => 'it was not applied',
  );
  expect(topology.host.enginePid(), 'the engine was replaced').not.toBe(engine);
  process.kill(controller, 'SIGKILL');
  expect(await run.wait()).toMatchObject({ text: '' });
  for (const text of [client.text.replace(/^AllowedIPs.*$/m, 'AllowedIPs = ::/0'), client.text]) {
    topology.host.write(client.name, text);
    expect(await topology.run(client, ['echo', 'ran'])).toMatchObject({
      status: 125,
      text: '',
      stderr:
        'wg-wrap: work.conf changed since the tunnel started; ' +
        'use --restart to apply it, or wg-wrap down work\n',
    });
  }
  expect(await restart(client, ['ip', 'route'])).toMatch(/^default/m);
  clean(await topology.run(client, ['true']));
  await session.finish();
});
