/**
 * Anybody who takes part in a cold start may be killed in any stage of it. The caller is told once
 * why, or is dead itself; nothing is left; and the next run is as if nothing had been.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Client, ClientOptions } from './harness/client.ts';
import { reachStage, sendSignal, type Role, type Stage } from './harness/cold-start.ts';
import type { Command, Result } from './harness/command.ts';
import { eventually } from './harness/eventually.ts';
import { ENDPOINT_NAME, TUNNEL_PORT } from './harness/site.ts';
import { useTopology } from './harness/topology.ts';

/** An address of the site's network that nobody has, and so a resolver that never answers. */
const SILENT_RESOLVER = '198.51.100.77';
/** The same as /proc/net/udp spells it, with the port. */
const SILENT_REMOTE = '4D6433C6:0035';

const topology = useTopology();

/** A stage, what makes it last, and what the front says about the death of each other one. */
interface Scene extends Stage {
  readonly client?: ClientOptions;
  readonly before?: () => Promise<unknown>;
  readonly after?: (client: Client) => Promise<unknown>;
  readonly told: Readonly<Partial<Record<Role, RegExp | 'nothing' | 'no harm'>>>;
}

const CONTROLLER = /^wg-wrap: the controller was killed by signal 9\n$/;
const PIN = /^wg-wrap: the pin was killed by signal 9 before it was ready\n$/;
const BUILDER = /^wg-wrap: internal: the set-up ended without a result \(status 0009\)\n$/;
const ENDED = /^wg-wrap: the tunnel ended while it was waited for \(\w+\)\n$/;
const ENGINE = /^wg-wrap: the engine did not start; see \S+\/log\n$/;

/** Nobody can remove what a killed pin leaves but the next run; a message may have named the log. */
const MAY_BE_LEFT: Readonly<Partial<Record<Role, readonly string[]>>> = {
  pin: ['lock', 'log', 'pin', 'control.sock', 'order.sock', 'about'],
  engine: ['lock', 'log'],
};

const scenes: Readonly<Record<string, Scene>> = {
  'the controller begins': {
    stopped: 'controller',
    isReached: (cast) => cast.has('controller'),
    told: { front: 'nothing', controller: CONTROLLER },
  },
  'the endpoint is resolved': {
    client: { endpoint: `${ENDPOINT_NAME}:${TUNNEL_PORT}` },
    before: async () => {
      await topology.host.namespace.sh(`echo "nameserver ${SILENT_RESOLVER}" >/etc/resolv.conf`);
    },
    isReached: (cast) => asksResolver(cast.get('controller')),
    after: async () => {
      await topology.host.namespace.sh('echo "nameserver 198.51.100.1" >/etc/resolv.conf');
      // The controller resolves as any program of the host does, and so may ask its name services.
    },
    told: { front: 'nothing', controller: CONTROLLER },
  },
  "the host's sockets are opened": {
    stopped: 'controller',
    isReached: (cast) => socketsOf(cast.get('controller')) > 1 && !cast.has('starter'),
    told: { front: 'nothing', controller: CONTROLLER },
  },
  'the namespaces are built': {
    stopped: 'builder',
    isReached: (cast) => cast.has('builder'),
    told: {
      front: 'nothing',
      controller: CONTROLLER,
      starter: 'no harm',
      pin: PIN,
      builder: BUILDER,
    },
  },
  'the engine begins': {
    stopped: 'engine',
    isReached: (cast) => cast.has('engine'),
    told: {
      front: 'nothing',
      controller: CONTROLLER,
      starter: 'no harm',
      pin: PIN,
      engine: ENGINE,
    },
  },
  'the first handshake is waited for': {
    before: async () => {
      await topology.site.peer.setPeers([]);
    },
    isReached: () => topology.host.hasSession(),
    after: async (client) => {
      await client.introduce();
    },
    told: { front: 'nothing', controller: CONTROLLER, pin: ENDED, engine: 'no harm' },
  },
};

/** Whether a process has asked the silent resolver. */
function asksResolver(pid: number | undefined): boolean {
  try {
    return readFileSync(`/proc/${pid}/net/udp`, 'utf8').includes(SILENT_REMOTE);
  } catch {
    return false;
  }
}

/** How many sockets a process has; the controller is given one. */
function socketsOf(pid: number | undefined): number {
  try {
    const directory = `/proc/${pid}/fd`;
    return readdirSync(directory).filter((fd) =>
      readlinkSync(`${directory}/${fd}`).startsWith('socket:'),
    ).length;
  } catch {
    // A descriptor was closed between the listing and the look.
    return 0;
  }
}

async function discard(command: Command): Promise<void> {
  command.kill('SIGKILL');
  await command.wait();
  await topology.settled(15_000);
}

/** Has a start reach the scene, kills one of its cast there, and lets the others go on. */
async function killIn(scene: Scene, victim: Role, client: Client): Promise<Result> {
  await scene.before?.();
  try {
    const start = (): Command => topology.start(client, ['echo', 'ran']);
    const { command, cast } = await reachStage(scene, start, discard);
    sendSignal(cast.get(victim) ?? daemonPid(victim), 'SIGKILL');
    for (const other of cast.values()) sendSignal(other, 'SIGCONT');
    if (scene.told[victim] !== 'no harm') return await command.wait();
    await scene.after?.(client);
    return await command.wait();
  } finally {
    await scene.after?.(client);
  }
}

/** The names of the files that are in the state directory. */
function filesLeft(): readonly string[] {
  return topology.host.stateFiles().map((file) => file.split('/').slice(2).join('/'));
}

/** The controller resolves as any program of the host does, and so may ask its name services. */
async function overlookQuestions(): Promise<void> {
  const { packets } = await topology.look();
  expect(packets.filter((packet) => !packet.includes(ENDPOINT_NAME))).toEqual([]);
}

/** Whether a process is in flock(2), as the kernel lists it. */
function waitsForLock(pid: number): boolean {
  return new RegExp(`-> FLOCK .* ${pid} `).test(readFileSync('/proc/locks', 'utf8'));
}

/** Those that have become daemons by then. */
function daemonPid(victim: Role): number {
  if (victim === 'pin') return topology.host.pinPid();
  if (victim === 'engine') return topology.host.enginePid();
  throw new Error(`there is no ${victim}`);
}

for (const [name, scene] of Object.entries(scenes)) {
  describe(`while ${name}`, () => {
    for (const [victim, told] of Object.entries(scene.told) as [Role, RegExp | string][]) {
      test(`the ${victim} may be killed`, async () => {
        const client = await topology.client(scene.client);
        const { inner4, client4 } = topology.site.addresses;
        const result = await killIn(scene, victim, client);
        if (told === 'nothing') {
          expect(result).toMatchObject({ signal: 'SIGKILL', text: '', stderr: '' });
        } else if (told === 'no harm') {
          expect(result).toMatchObject({ status: 0, text: 'ran', stderr: '' });
        } else {
          expect(result).toMatchObject({ status: 125, text: '' });
          expect(result.stderr).toMatch(told);
        }
        await topology.settled();
        expect(
          filesLeft().filter((name) => !(MAY_BE_LEFT[victim] ?? ['lock']).includes(name)),
        ).toEqual([]);
        expect(await topology.output(client, ['curl', '-sS', `http://${inner4}/who`])).toBe(
          client4,
        );
        await overlookQuestions();
      });
    }
  });
}

test('while the lock is waited for, the front may be killed', async () => {
  const client = await topology.client();
  const { host } = topology;
  await topology.output(client, ['true']);
  await topology.settled();
  const [lock] = host.stateFiles();
  const holder = host.user(['flock', `${host.runtime}/${lock}`, '-c', 'echo held; exec cat'], {
    inputStaysOpen: true,
  });
  await holder.until(/^held$/m);
  const waiting = topology.start(client, ['true']);
  await eventually(
    () => waitsForLock(waiting.pid),
    20_000,
    () => 'the front does not wait',
  );
  waiting.kill('SIGKILL');
  expect(await waiting.wait()).toMatchObject({ signal: 'SIGKILL', stderr: '' });
  await holder.finish();
  await topology.settled();
  await topology.output(client, ['true']);
});

/** Has a start wait for a handshake that won't come, and interrupts it as a terminal would. */
async function interruptWaiting(client: Client, trap: string): Promise<Command> {
  const scene = scenes['the first handshake is waited for'];
  const script = `trap ${trap} INT; exec wg-wrap -c ${client.name} -- echo ran`;
  await scene.before?.();
  const { command } = await reachStage(
    scene,
    () => topology.host.user(['sh', '-c', script]),
    discard,
  );
  process.kill(-command.pid, 'SIGINT');
  return command;
}

test('an interrupt ends a start, and leaves nothing', async () => {
  const client = await topology.client();
  const command = await interruptWaiting(client, '-');
  expect(await command.wait()).toMatchObject({ signal: 'SIGINT', text: '', stderr: '' });
  await topology.settled();
  expect(filesLeft()).toEqual(['lock']);
});

test('an interrupt that the caller ignores does not end a start', async () => {
  const client = await topology.client();
  const command = await interruptWaiting(client, '""');
  await client.introduce();
  // The next handshake would be five seconds away; a successor tries at once.
  process.kill(topology.host.enginePid(), 'SIGKILL');
  expect(await command.wait()).toMatchObject({ status: 0, text: 'ran', stderr: '' });
});
