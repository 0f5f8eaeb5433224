/**
 * The kill switch: whatever becomes of the engine, the pin, the device or the host's routes, a wrapped
 * program sends nothing but through the tunnel.
 *
 * In each state the hostile program makes thousands of attempts. Where no tunnel can work, the link
 * towards the site carries nothing at all from the host; elsewhere, as in every test, nothing but the
 * tunnel's datagrams.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Client } from './harness/client.ts';
import { must, type Command } from './harness/command.ts';
import { eventually } from './harness/eventually.ts';
import { SILENT_PORT } from './harness/site.ts';
import { useTopology } from './harness/topology.ts';

/** As many rounds make some thousands of attempts, in little more than half a second. */
const ROUNDS = 12;
/** As many take so long that something can happen meanwhile, again and again. */
const MANY_ROUNDS = 36;

const topology = useTopology();

interface Outcome {
  readonly attempts: number;
  readonly taken: number;
  readonly connected: number;
}

/** Where the attempts go: the site inside and outside, the host, its resolver, groups, everybody. */
function destinations(): readonly string[] {
  const { inner4, inner6, outer4, outer6, host4, host6 } = topology.site.addresses;
  const groups = ['224.0.0.251', '239.255.255.250', '255.255.255.255', '198.51.100.255'];
  const groups6 = ['ff02::1%wg0', 'ff02::fb%wg0', 'ff05::2'];
  return [inner4, inner6, outer4, outer6, host4, host6, '203.0.113.9', ...groups, ...groups6];
}

/** A session that does what it is told, a line at a time, and makes its attempts at the end. */
async function startSession(
  client: Client,
  rounds = ROUNDS,
  options: readonly string[] = [],
): Promise<Command> {
  const flood = [`${topology.host.programs}/attack`, 'flood', String(rounds), ...destinations()];
  const script = 'echo ready; while read -r line; do eval "$line"; done; exec "$@"';
  const command = topology.host.wrap(
    ['-c', client.name, ...options, '--', 'sh', '-c', script, 'sh', ...flood],
    { inputStaysOpen: true, limitMs: 28_000 },
  );
  await command.until(/^ready$/m);
  return command;
}

/** Has the session do something, and waits until it has. */
async function tell(session: Command, line: string): Promise<void> {
  session.write(`${line}; echo did\n`);
  await session.until(/^did$/m);
}

async function outcomeOf(session: Command): Promise<Outcome> {
  const { text } = await session.finish();
  return JSON.parse(text.split('\n').at(-1) ?? '') as Outcome;
}

/** Lets the session make its attempts, and tells while something else happens whether they are over. */
function startAttempts(session: Command): { isOver: boolean; readonly end: Promise<Outcome> } {
  const attempts = {
    isOver: false,
    end: outcomeOf(session).finally(() => {
      attempts.isOver = true;
    }),
  };
  return attempts;
}

/** Lets the session make its attempts; throws unless all fail and not one packet leaves the host. */
async function expectSilence(session: Command): Promise<void> {
  const packets = await topology.captureAll();
  const outcome = await outcomeOf(session);
  expect(outcome.attempts).toBeGreaterThan(2000);
  expect(outcome.connected).toBe(0);
  expect(await packets()).toEqual([]);
}

function stateOf(pid: number): string | undefined {
  try {
    return /^State:\t(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

async function untilState(pid: number, state: string | undefined): Promise<void> {
  await eventually(
    () => stateOf(pid) === state,
    20_000,
    () => `process ${pid} is in state ${String(stateOf(pid))}`,
  );
}

async function expectTunnel(client: Client): Promise<void> {
  const { inner4, client4 } = topology.site.addresses;
  const url = `http://${inner4}/who`;
  expect(await topology.output(client, ['curl', '-sS', '-m', '15', url])).toBe(client4);
}

test('the attempts are real: where the tunnel works, connections come to be', async () => {
  const client = await topology.client();
  const outcome = await outcomeOf(await startSession(client));
  expect(outcome.connected).toBeGreaterThan(0);
  expect(outcome.taken).toBeLessThan(outcome.attempts);
});

test('the engine stopped from inside: nothing leaves, and afterwards all goes on', async () => {
  const client = await topology.client();
  const session = await startSession(client);
  const engine = topology.host.enginePid();
  await tell(session, `kill -STOP ${engine}`);
  await untilState(engine, 'T');
  await expectSilence(session);
  process.kill(engine, 'SIGCONT');
});

test('the engine killed from inside, and no other one: nothing leaves', async () => {
  const client = await topology.client();
  const hold = await topology.hold(client);
  const session = await startSession(client);
  const [engine, pin] = [topology.host.enginePid(), topology.host.pinPid()];
  await tell(session, `kill -STOP ${pin}; kill -KILL ${engine}`);
  await untilState(engine, 'Z');
  await expectSilence(session);
  process.kill(pin, 'SIGCONT');
  await expectTunnel(client);
  await hold.finish();
});

test('the engine killed from inside, where the user may have no more processes: nothing leaves', async () => {
  const client = await topology.client();
  const hold = await topology.hold(client);
  const session = await startSession(client);
  const [engine, pin] = [topology.host.enginePid(), topology.host.pinPid()];
  const limits = readFileSync(`/proc/${pin}/limits`, 'utf8');
  const before = /^Max processes +(\S+)/m.exec(limits)?.[1] ?? '';
  await tell(session, `prlimit --pid ${pin} --nproc=1: && kill -KILL ${engine}`);
  await untilState(engine, undefined);
  await expectSilence(session);
  await topology.output(client, ['prlimit', '--pid', String(pin), `--nproc=${before}:`]);
  await expectTunnel(client);
  await hold.finish();
});

test('the engine killed again and again: what leaves is the tunnel', async () => {
  const client = await topology.client();
  const hold = await topology.hold(client);
  const session = await startSession(client, MANY_ROUNDS);
  const outcome = startAttempts(session);
  let kills = 0;
  while (!outcome.isOver) {
    const pin = topology.host.pinPid();
    for (const { pid, parent } of topology.host.processes()) {
      if (parent !== pin) continue;
      process.kill(pid, 'SIGKILL');
      kills += 1;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect((await outcome.end).attempts).toBeGreaterThan(2000);
  expect(kills).toBeGreaterThan(2);
  await expectTunnel(client);
  await hold.finish();
});

test('a tunnel that never connected: what leaves are attempts to connect', async () => {
  const { outer4 } = topology.site.addresses;
  const client = await topology.client({ endpoint: `${outer4}:${SILENT_PORT}` });
  const outcome = await outcomeOf(await startSession(client, ROUNDS, ['--no-wait']));
  expect(outcome.attempts).toBeGreaterThan(2000);
  expect(outcome.connected).toBe(0);
});

test('the pin killed from inside: the sessions are offline, and the next run builds anew', async () => {
  const client = await topology.client();
  const session = await startSession(client);
  const [engine, pin] = [topology.host.enginePid(), topology.host.pinPid()];
  // A stopped engine can't notice that the pin is gone: the kernel has to end it.
  await tell(session, `kill -STOP ${engine}; kill -KILL ${pin}`);
  await eventually(
    () => topology.host.processes().length === 1,
    20_000,
    () => 'the engine outlived the pin',
  );
  await expectSilence(session);
  await expectTunnel(client);
});

test('the pin ended from inside: the sessions are offline', async () => {
  const client = await topology.client();
  const session = await startSession(client);
  await tell(session, `kill -TERM ${topology.host.pinPid()}`);
  await eventually(
    () => topology.host.processes().length === 1,
    20_000,
    () => 'the pin did not end',
  );
  await expectSilence(session);
  await expectTunnel(client);
});

test.each([['down'], ['delete']])(
  'the link taken away by root (%s): nothing leaves',
  async (how) => {
    const client = await topology.client();
    const session = await startSession(client);
    const change = how === 'down' ? ['set', 'wg0', 'down'] : ['delete', 'wg0'];
    await must(['nsenter', `--net=/proc/${session.pid}/ns/net`, 'ip', 'link', ...change]);
    // What is on its way to the peer or from it is over when the engine has had its turn.
    await topology.look();
    const outcome = await outcomeOf(session);
    expect(outcome.attempts).toBeGreaterThan(1000);
    expect(outcome.connected).toBe(0);
    await topology.settled();
    await expectTunnel(client);
  },
);

test("the host's routes come and go: what leaves is the tunnel, and it survives", async () => {
  const { host, site } = topology;
  const { outer4, outer6, link } = site.addresses;
  const client = await topology.client();
  const hold = await topology.hold(client);
  const session = await startSession(client, MANY_ROUNDS);
  const outcome = startAttempts(session);
  let flaps = 0;
  while (!outcome.isOver) {
    await host.namespace.sh(`
      ip route del default; ip -6 route del default
      ip route add unreachable default; ip -6 route add unreachable default
      ip route del 198.51.100.0/24 dev ${link}; ip -6 route del 2001:db8::/64 dev ${link}
      ip route add 198.51.100.0/24 dev ${link} src ${site.addresses.host4}
      ip -6 route add 2001:db8::/64 dev ${link}
      ip route replace default via ${outer4}; ip -6 route del unreachable default
      ip -6 route add default via ${outer6}`);
    flaps += 1;
  }
  expect((await outcome.end).attempts).toBeGreaterThan(2000);
  expect(flaps).toBeGreaterThan(5);
  await expectTunnel(client);
  await hold.finish();
});

test('what listens on the host is not reached under any address of the host', async () => {
  const { host, site } = topology;
  const client = await topology.client();
  const serve = `require('node:http').createServer((_, r) => r.end('HOST')).listen(8080, '::',
    () => console.log('serving'))`;
  const server = await host.namespace.daemon([process.execPath, '-e', serve], /^serving$/m);
  const { host4, host6 } = site.addresses;
  const urls = ['127.0.0.1', '[::1]', 'localhost', host4, `[${host6}]`, '0.0.0.0', '[::]'];
  const script = `${urls.map((name) => `curl -s -m2 http://${name}:8080/ &`).join(' ')} wait`;
  expect((await topology.run(client, ['sh', '-c', script])).text).toBe('');
  await host.namespace.stop(server);
});
