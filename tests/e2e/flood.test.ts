/**
 * More than an engine can refuse, from strangers outside and from a program inside. What it costs is the
 * flood's own way; the engine still hears everybody else.
 *
 *     site: initiations, each a Diffie-Hellman or a cookie ──► host ──► engine ◄── a command's packets, of which none can be sealed
 */
import { randomBytes } from 'node:crypto';
import { blake2s } from '@noble/hashes/blake2.js';
import { expect, test } from 'vitest';
import { eventually } from './harness/eventually.ts';
import { CLOSED_PORT, SILENT_PORT } from './harness/site.ts';
import { checkStatus, type StatusObject } from './harness/status-schema.ts';
import { clean, useTopology } from './harness/topology.ts';

const LIMIT_MS = 60_000;
const INITIATION_BYTES = 148;
const MAC1_OFFSET = 116;
const MAC_BYTES = 16;
/** Longer than a test; each is ended before. */
const POUR_SECONDS = '90';
/** Of whoever talks to the engine meanwhile; most of it is for a machine that is busy. */
const PATIENCE_MS = 10_000;

/** Counts the initiations that reach the silent port. */
const COUNT = `nft -f - <<'END'
table ip count {
  counter initiations { }
  chain in {
    type filter hook input priority 0;
    udp dport ${SILENT_PORT} udp length 156 counter name initiations
  }
}
END`;

const HOLD = ['sh', '-c', 'echo up; exec cat'] as const;
const env = { WG_WRAP_PUMP: 'on' };

const topology = useTopology();

/** An initiation that only looks right: its mac1 is right, as anybody can make it who knows the public key. */
function initiationTo(publicKey: string): Uint8Array {
  const message = new Uint8Array(INITIATION_BYTES);
  message.set(randomBytes(MAC1_OFFSET));
  message.set([1, 0, 0, 0]);
  const label = new TextEncoder().encode('mac1----');
  const key = blake2s.create({ dkLen: 32 }).update(label);
  const mac1 = blake2s(message.subarray(0, MAC1_OFFSET), {
    key: key.update(Buffer.from(publicKey, 'base64')).digest(),
    dkLen: MAC_BYTES,
  });
  message.set(mac1, MAC1_OFFSET);
  return message;
}

/** The status, which an engine must have answered. */
async function statusInTime(): Promise<StatusObject> {
  const { text, elapsedMs } = await topology.host.wrap(['status', '--json', 'work']).wait();
  expect(elapsedMs).toBeLessThan(PATIENCE_MS);
  expect(JSON.parse(text)).toMatchObject({ engine: { data_path: 'pump', restarts: 0 } });
  return checkStatus(JSON.parse(text));
}

test(
  'a tunnel under a flood of initiations answers, and ends when it is told to',
  async () => {
    const { host, site } = topology;
    const client = await topology.client();
    const hold = topology.start(client, HOLD, { inputStaysOpen: true, env });
    await hold.until(/^up$/m);
    const engine = host.enginePid();
    const before = await statusInTime();
    const port = String(before.interface.listen_port);
    // From a port where the cookie replies are no news to the guards.
    const pour = [`${host.programs}/attack`, 'pour', String(CLOSED_PORT)];
    const argv = [...pour, site.addresses.host4, port, POUR_SECONDS];
    const flood = await site.namespace.daemon(argv, /^pouring$/m, {
      input: initiationTo(client.publicKey),
    });
    try {
      let dropped = before.drops!['cookie_required'];
      for (let round = 0; round < 3; round++) {
        const { state, drops } = await statusInTime();
        expect(state).toBe('connected');
        expect(drops!['cookie_required']).toBeGreaterThan(dropped);
        dropped = drops!['cookie_required'];
      }
      // It is not only that the flood is slow: more comes than can be looked at.
      const { drops } = await statusInTime();
      expect(drops!['handshakes_full']).toBeGreaterThan(0);
      process.kill(engine, 'SIGTERM');
      await eventually(
        () => !host.processes().some(({ pid }) => pid === engine),
        PATIENCE_MS,
        () => 'the engine does not hear SIGTERM',
      );
    } finally {
      await site.namespace.stop(flood);
    }
    expect((await hold.finish()).status).toBe(0);
  },
  LIMIT_MS,
);

test(
  'packets without end from inside do not keep an initiation from being repeated',
  async () => {
    const { host, site } = topology;
    const { outer4, inner4 } = site.addresses;
    const client = await topology.client({ endpoint: `${outer4}:${SILENT_PORT}` });
    await site.namespace.sh(COUNT);
    const argv = [`${host.programs}/attack`, 'pour', '0', inner4, '9', POUR_SECONDS];
    const flood = host.wrap(['--no-wait', '-c', client.name, '--', ...argv], {
      env,
      input: 'anything',
      limitMs: LIMIT_MS,
    });
    try {
      await flood.until(/^pouring$/m);
      const initiations = async (): Promise<number> => {
        const text = await site.namespace.sh('nft list counter ip count initiations');
        return Number(/packets (\d+)/.exec(text)?.[1]);
      };
      // Every five seconds and a bit.
      await eventually(
        async () => (await initiations()) >= 4,
        25_000,
        () => 'the initiation is not repeated',
      );
      const { drops } = await statusInTime();
      expect(drops!['staging_full']).toBeGreaterThan(0);
    } finally {
      flood.kill('SIGTERM');
      await flood.wait();
      await site.namespace.sh('nft delete table ip count');
    }
    clean(await host.wrap(['list']).wait());
  },
  LIMIT_MS,
);
