/**
 * Who moves the packets. All other tests run with the pump, and fail if an engine goes on without it;
 * here are tunnels that have none, which have to be as good but for their speed.
 */
import { expect, test } from 'vitest';
import { useTopology } from './harness/topology.ts';

const HOLD = ['sh', '-c', 'echo up; exec cat'] as const;

const topology = useTopology();

/** Starts a tunnel, carries five megabytes through it, and expects who has moved them. */
async function expectTransfer(dataPath: string, env: Record<string, string> = {}): Promise<void> {
  const client = await topology.client();
  const options = { inputStaysOpen: true, env };
  const session = topology.start(client, HOLD, options);
  await session.until(/^up$/m);
  const { inner4, inner6 } = topology.site.addresses;
  const script = `curl -sS http://${inner4}/part | sha256sum | cut -d' ' -f1
    curl -sS http://[${inner6}]/part.sha256`;
  const [actual, expected] = (await topology.output(client, ['sh', '-euc', script])).split('\n');
  expect(actual).toBe(expected);
  const status = await topology.host.wrap(['status', '--json', 'work']).wait();
  expect(status.text).toMatch(new RegExp(`"data_path": ?"${dataPath}"`));
  expect((await session.finish()).status).toBe(0);
}

test('the pump moves the packets', async () => {
  await expectTransfer('pump');
});

test('WG_WRAP_PUMP=off has the engine move them itself', async () => {
  await expectTransfer('typescript', { WG_WRAP_PUMP: 'off' });
  expect(await topology.engineLog()).toContain('data path typescript');
});

test('its workers share the cipher with it, as many as there are', async () => {
  await expectTransfer('pump', { WG_WRAP_PUMP_WORKERS: '3' });
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
    await expectTransfer('typescript');
  } finally {
    await namespace.sh(`umount ${library}`);
  }
  expect(await topology.engineLog()).toMatch(/ could not use the pump \(.*libwgpump\.so.*\)/);
});
