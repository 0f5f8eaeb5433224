/** A tunnel that a service manager keeps: what it is told, and how it ends. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Command } from './harness/command.ts';
import { clean, useTopology } from './harness/topology.ts';

const topology = useTopology();

/** Prints every datagram that comes to a Unix socket, with "|" for its newlines. */
const MANAGER = `
use Socket; $| = 1; my $name = shift;
my $address = $name =~ /^@/ ? "\\0" . substr($name, 1) : $name;
my $s; socket($s, AF_UNIX, SOCK_DGRAM, 0) and bind($s, pack_sockaddr_un($address)) or die $!;
print "listens\\n";
while (defined recv($s, my $text, 4096, 0)) { $text =~ tr/\\n/|/; print "<$text>\\n" }
`;

async function listen(name: string): Promise<Command> {
  const manager = topology.host.user(['perl', '-e', MANAGER, name], { limitMs: 60_000 });
  await manager.until(/^listens$/m);
  return manager;
}

async function stop(manager: Command): Promise<void> {
  manager.kill('SIGTERM');
  await manager.wait();
}

function startService(name: string, socket: string, options: readonly string[] = []): Command {
  return topology.host.wrap(['up', name, '--foreground', ...options], {
    env: { NOTIFY_SOCKET: socket },
    limitMs: 60_000,
  });
}

test.each(['path', 'abstract'])(
  'a manager is told by its %s socket when the tunnel is ready, and when it ends',
  async (kind) => {
    const client = await topology.client();
    const path = join(topology.host.home, 'notify');
    const socket = kind === 'path' ? path : `@wg-wrap-test-${topology.host.uid}`;
    const manager = await listen(socket);
    const service = startService(client.name, socket);
    await manager.until(/^<READY=1\|STATUS=connected\|>$/m);
    const { inner4, client4 } = topology.site.addresses;
    const fetched = topology.host.wrap(['exec', 'work', 'curl', '-sS', `http://${inner4}/who`]);
    expect(clean(await fetched.wait()).text).toBe(client4);
    service.kill('SIGTERM');
    expect(await service.wait()).toMatchObject({ status: 0, stdout: new Uint8Array(), stderr: '' });
    await manager.until(/^<STOPPING=1\|>$/m);
    expect(manager.output).toMatch(/^listens\n<STATUS=waiting for a handshake\|>\n<READY=1/);
    await stop(manager);
    await topology.settled();
    topology.host.remove('notify');
  },
);

test('a manager is told when engines end again and again, and when one stays', async () => {
  const client = await topology.client();
  const socket = `@wg-wrap-test-${topology.host.uid}`;
  const manager = await listen(socket);
  const service = startService(client.name, socket);
  await manager.until(/READY=1/);
  // So that the engine which stays has somebody to wait for.
  await topology.site.peer.setPeers([]);
  for (let deaths = 0; !manager.output.includes('failed'); deaths++) {
    expect(deaths).toBeLessThan(20);
    await topology.host.killEngine();
  }
  await manager.until(/STATUS=waiting for a handshake\|>\n$/);
  await client.introduce();
  await manager.until(/STATUS=connected\|>\n$/);
  const told = [...manager.output.matchAll(/STATUS=(waiting|connected|failed)/g)];
  expect(told.map(([, state]) => state)).toEqual([
    'waiting',
    'connected',
    'failed',
    'waiting',
    'connected',
  ]);
  expect(manager.output.match(/READY=1/g)).toHaveLength(1);
  service.kill('SIGINT');
  expect((await service.wait()).status).toBe(0);
  await stop(manager);
}, 60_000);

test('a tunnel that is ready later is told to be so later', async () => {
  const client = await topology.client({ endpoint: false });
  const socket = `@wg-wrap-test-${topology.host.uid}`;
  const manager = await listen(socket);
  const service = startService(client.name, socket, ['--no-wait']);
  await manager.until(/STATUS=waiting/);
  expect(manager.output).not.toContain('READY');
  service.kill('SIGTERM');
  expect((await service.wait()).status).toBe(0);
  await stop(manager);
});

test('the end of the tunnel is the end of whoever keeps it, with a message', async () => {
  const client = await topology.client();
  const socket = `@wg-wrap-test-${topology.host.uid}`;
  const manager = await listen(socket);
  const service = startService(client.name, socket);
  await manager.until(/READY=1/);
  process.kill(topology.host.pinPid(), 'SIGKILL');
  expect(await service.wait()).toMatchObject({
    status: 125,
    stderr: 'wg-wrap: tunnel "work" has ended\n',
  });
  await stop(manager);
  await topology.settled();
  topology.host.forgetState();
});

test('down refuses while the tunnel is kept so, and --kill ends both', async () => {
  const client = await topology.client();
  const socket = `@wg-wrap-test-${topology.host.uid}`;
  const manager = await listen(socket);
  const service = startService(client.name, socket);
  await manager.until(/READY=1/);
  const refused = await topology.host.wrap(['down', 'work']).wait();
  expect(refused.stderr).toMatch(/^wg-wrap: 1 session uses "work" \(\d+ wg-wrap\); /);
  clean(await topology.host.wrap(['down', 'work', '--kill']).wait());
  expect(await service.wait()).toMatchObject({ status: 0, stderr: '' });
  await stop(manager);
});
