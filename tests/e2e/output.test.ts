/**
 * What wg-wrap itself writes to standard output arrives whole, or the exit status tells.
 */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { useTopology } from './harness/topology.ts';

const topology = useTopology();

/** More than a pipe holds, as `show` prints it. */
const PREFIXES = 8000;

test('a reader that is slow gets all of it', async () => {
  const { host } = topology;
  const prefixes = Array.from({ length: PREFIXES }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`);
  const client = await topology.client({ allowedIps: [prefixes.join(', ')] });
  const wgWrap = join(host.prefix, 'bin/wg-wrap');
  const holder = host.wrap(['--no-wait', '-c', client.name, '--', 'sh', '-c', 'echo up; cat'], {
    inputStaysOpen: true,
  });
  await holder.until(/up/);
  const result = await host
    .user(['sh', '-c', `${wgWrap} show work --dump | (sleep 1; tail -n 1)`])
    .wait();
  holder.endInput();
  expect((await holder.wait()).status).toBe(0);
  expect(result.text.split('\t')[3].split(',')).toHaveLength(PREFIXES);
});

test('a reader that has gone is no failure, and a full disk is one', async () => {
  const { host } = topology;
  const wgWrap = join(host.prefix, 'bin/wg-wrap');
  const gone = await host.user(['sh', '-c', `${wgWrap} --help | true`]).wait();
  expect(gone).toMatchObject({ status: 0, stderr: '' });
  const full = await host.user(['sh', '-c', `${wgWrap} --help >/dev/full`]).wait();
  expect(full).toMatchObject({
    status: 125,
    stderr: 'wg-wrap: cannot write to standard output (ENOSPC)\n',
  });
});
