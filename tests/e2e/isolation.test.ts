/**
 * The only way out is the tunnel: not by a name-service daemon of the host, not by the sockets and
 * processes of wg-wrap itself. What holds while no tunnel works is in killswitch.test.ts.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { eventually } from './harness/eventually.ts';
import { findSecret } from './harness/keys.ts';
import { INSIDE_NAME } from './harness/site.ts';
import { useTopology } from './harness/topology.ts';

const topology = useTopology();

test('inside there is no link but lo and the tunnel', async () => {
  const client = await topology.client();
  const text = await topology.output(client, ['cat', '/proc/net/dev']);
  const links = text
    .split('\n')
    .slice(2)
    .map((line) => line.split(':')[0].trim());
  expect(links.sort()).toEqual(['lo', 'wg0']);
});

test('an address that no peer is allowed has no route, and nothing leaves for it', async () => {
  const { outer4, outer6 } = topology.site.addresses;
  const client = await topology.client({ allowedIps: ['10.9.0.0/24'] });
  const script = `for host in ${outer4} [${outer6}]; do curl -s -m5 http://$host/; echo $?; done`;
  const command = await topology.run(client, ['sh', '-c', script]);
  // curl's 7 is "failed to connect", 28 would be "timed out".
  expect(command).toMatchObject({ text: '7\n7', stderr: '' });
});

test('a download goes on over the death of the engine', async () => {
  const client = await topology.client();
  const { inner4 } = topology.site.addresses;
  const script = `readlink /proc/self/ns/net; curl -sS http://${inner4}/slow | sha256sum`;
  const command = topology.start(client, ['sh', '-c', script]);
  const [namespace] = await command.until(/net:\[\d+\]/);
  // curl is the session's process that has a connection; by then the first bytes are on their way.
  await eventually(
    () => topology.host.processes().some((process) => process.command.startsWith('curl ')),
    20_000,
    () => 'curl did not start',
  );
  const engine = topology.host.enginePid();
  process.kill(engine, 'SIGKILL');
  const again = await topology.output(client, ['readlink', '/proc/self/ns/net']);
  const result = await command.wait();
  const hash = await topology.site.namespace.sh(`curl -sS http://${inner4}/part.sha256`);
  expect(result.text).toContain(hash);
  expect(again).toBe(namespace);
});

test("the engine's successor knows the timestamp that its initiations have to exceed", async () => {
  const client = await topology.client();
  const command = topology.start(client, ['sh', '-c', 'echo up; exec sleep 30']);
  await command.until(/^up$/m);
  const engine = topology.host.enginePid();
  process.kill(engine, 'SIGKILL');
  const successor = (): string | undefined =>
    topology.host
      .processes()
      .find(({ pid, command }) => pid !== engine && command.includes('engine.js'))?.command;
  await eventually(
    () => successor() !== undefined,
    20_000,
    () => 'no engine was started again',
  );
  expect(successor()).toMatch(/engine\.js [0-9a-f]{24}( connected)?$/);
  command.kill('SIGTERM');
  await command.wait();
});

test('the host may replace its resolv.conf while a command runs', async () => {
  const client = await topology.client();
  const { host } = topology;
  const show = 'cat /etc/resolv.conf';
  const command = topology.start(client, ['sh', '-c', `${show}; echo up; read -r end; ${show}`], {
    inputStaysOpen: true,
  });
  await command.until(/^up$/m);
  const original = await host.namespace.sh(show);
  const replace = (text: string): string =>
    `echo '${text}' >/etc/resolv.conf.new; mv /etc/resolv.conf.new /etc/resolv.conf`;
  await host.namespace.sh(replace('nameserver 192.0.2.53'));
  const [before, after] = (await command.finish()).text.split('up\n');
  await host.namespace.sh(replace(original));
  expect(before).toMatch(new RegExp(`^nameserver ${topology.site.addresses.inner4}$`, 'm'));
  expect(`${after}\n`).toBe(before);
});

test("the host's /etc can be changed by mounts below it, and names still go inside", async () => {
  const client = await topology.client();
  const { host } = topology;
  await host.namespace.sh('cp /etc/hosts /run/hosts; mount --bind /run/hosts /etc/hosts');
  try {
    const text = await topology.output(client, ['getent', 'ahosts', INSIDE_NAME]);
    expect(text).toContain(topology.site.addresses.inner4);
  } finally {
    await host.namespace.sh('umount /etc/hosts; rm /run/hosts');
  }
});

test('the command cannot change what /etc is inside', async () => {
  const client = await topology.client();
  const script = 'echo x >/etc/resolv.conf; touch /etc/new; mount -t tmpfs x /etc';
  const result = await topology.run(client, ['sh', '-c', script]);
  expect(result.status).not.toBe(0);
  expect(result.stderr.trim().split('\n').length).toBeGreaterThanOrEqual(3);
});

test('the command sees no control socket, and cannot look into the engine', async () => {
  const client = await topology.client();
  const hold = await topology.hold(client);
  const engine = `/proc/${topology.host.enginePid()}`;
  const script = [
    'find "$XDG_RUNTIME_DIR" -type s',
    `for file in environ mem maps; do cat ${engine}/$file >/dev/null 2>&1 && echo $file; done`,
    `ls ${engine}/fd/3 >/dev/null 2>&1 && echo fd`,
    'true',
  ].join('; ');
  expect(await topology.output(client, ['sh', '-c', script])).toBe('');
  await hold.finish();
});

test('SIGUSR1 to the engine opens no debugger', async () => {
  const client = await topology.client();
  const hold = await topology.hold(client);
  const engine = topology.host.enginePid();
  const { inner4 } = topology.site.addresses;
  // The answer of the site proves that the engine has had its turn after the signal.
  const script = `kill -USR1 ${engine}; curl -sS http://${inner4}/who; echo; ss -Hltn`;
  expect(await topology.output(client, ['sh', '-c', script])).toBe('10.9.0.2');
  expect(topology.host.enginePid()).toBe(engine);
  await hold.finish();
});

test('no process of ours shows a key in its arguments or its environment', async () => {
  const client = await topology.client();
  const hold = await topology.hold(client);
  const pids = [topology.host.pinPid(), topology.host.enginePid()];
  for (const pid of pids) {
    for (const file of ['cmdline', 'environ']) {
      expect(findSecret(readFileSync(`/proc/${pid}/${file}`))).toBeUndefined();
    }
  }
  expect(findSecret(topology.host.logs())).toBeUndefined();
  await hold.finish();
});
