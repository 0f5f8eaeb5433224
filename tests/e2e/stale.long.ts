/** A server that goes away and comes back, in real time: the tunnel is stale in between, and says so. */
import { expect, test } from 'vitest';
import { eventually } from './harness/eventually.ts';
import { makeKeyPair } from './harness/keys.ts';
import { checkStatus, type StatusObject } from './harness/status-schema.ts';
import { useTopology } from './harness/topology.ts';

const topology = useTopology();

/** The life of a handshake's keys, three attempts at another, and time for a busy machine. */
const STALE_LIMIT_MS = 260_000;
const RECOVERY_LIMIT_MS = 120_000;

async function statusNow(): Promise<StatusObject> {
  const result = await topology.host.wrap(['status', '--json']).wait();
  return checkStatus(JSON.parse(result.text));
}

test('a tunnel whose server is gone becomes stale, and connected when it is back', async () => {
  const { host, site } = topology;
  const client = await topology.client();
  const script = 'echo up; while :; do ping -c 1 -W 1 10.9.0.1 >/dev/null; sleep 1; done';
  const command = topology.start(client, ['sh', '-c', script], { limitMs: 590_000 });
  await command.until(/^up$/m);
  await site.peer.setPeers([{ publicKey: makeKeyPair().publicKey, allowedIps: ['10.9.0.77/32'] }]);
  let status = await statusNow();
  expect(status.state).toBe('connected');
  const becomes = async (state: string, limitMs: number): Promise<void> => {
    await eventually(
      async () => {
        status = await statusNow();
        return status.state === state;
      },
      limitMs,
      () => JSON.stringify(status),
    );
  };
  /** The engine tells the pin at the next packet or retry. */
  const recorded = async (state: string): Promise<void> => {
    const isRecorded = (): boolean => host.pins()[0].get('state') === state;
    await eventually(isRecorded, 30_000, () => `${host.logs()}\nis not ${state}`);
  };
  await becomes('stale', STALE_LIMIT_MS);
  expect(status.peers![0].last_handshake_age_s).toBeGreaterThanOrEqual(180);
  expect(status.warnings).toEqual([
    expect.stringMatching(/^data goes out, and there was no handshake for \d+ s$/),
  ]);
  await recorded('stale____');
  const wait = await host.wrap(['wait', '--timeout', '2s']).wait();
  expect(wait.status).toBe(124);
  expect(wait.stderr).toMatch(/^wg-wrap: the last handshake was 3 min \d+ s ago, .*\n$/);
  await client.introduce();
  await becomes('connected', RECOVERY_LIMIT_MS);
  await recorded('connected');
  expect(status.warnings).toEqual([]);
  command.kill('SIGKILL');
  await command.wait();
});
