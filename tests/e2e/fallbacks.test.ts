/**
 * Kernels that can do less: each thing that the pump can do without is refused to it, and it works,
 * and says so. The kernel that refuses is a filter of system calls (deny/main.c), which the engine inherits.
 */
import { expect, test } from 'vitest';
import { useTopology } from './harness/topology.ts';

const topology = useTopology();

/** What a tunnel's pump uses after a transfer over both families, where the kernel refuses `features`. */
async function usesWithout(features: readonly string[]): Promise<readonly string[]> {
  const { host, site } = topology;
  const client = await topology.client();
  const { inner4, inner6 } = site.addresses;
  const wrapped = ['wg-wrap', '-c', client.name, '--', 'sh', '-c', 'echo up; exec cat'];
  const session = host.user([`${host.programs}/deny`, ...features, '--', ...wrapped], {
    inputStaysOpen: true,
    env: { WG_WRAP_PUMP: 'on' },
  });
  await session.until(/^up$/m);
  const script = `curl -sS http://${inner4}/part | sha256sum | cut -d' ' -f1
    curl -sS http://[${inner6}]/part.sha256`;
  const [actual, expected] = (await topology.output(client, ['sh', '-euc', script])).split('\n');
  expect(actual).toBe(expected);
  const status = await host.wrap(['status', '--json', 'work']).wait();
  const { engine } = JSON.parse(status.text) as {
    engine: { data_path: string; offload: boolean; uses: readonly string[] };
  };
  expect(engine.data_path).toBe('pump');
  expect(engine.offload).toBe(engine.uses.includes('tso'));
  expect((await session.finish()).status).toBe(0);
  await topology.settled();
  return engine.uses;
}

test.each([
  { refused: ['uso'], missing: ['uso'] },
  { refused: ['offload'], missing: ['tso', 'uso', 'coalesce'] },
  { refused: ['segment'], missing: ['segment4', 'segment6'] },
  { refused: ['gro'], missing: ['gro4', 'gro6'] },
])('a pump without $refused works, and says so', async ({ refused, missing }) => {
  const everything = await usesWithout([]);
  // Where the machine itself can't do it there is nothing to be seen.
  expect(everything).toEqual(expect.arrayContaining(missing));
  expect(await usesWithout(refused)).toEqual(everything.filter((name) => !missing.includes(name)));
});

test('a pump uses no io_uring, which the filter of the pin forbids', async () => {
  expect(await usesWithout([])).not.toContain('uring');
});

test('a pump without any of them works, and says so', async () => {
  expect(await usesWithout(['offload', 'segment', 'gro'])).toEqual([]);
});
