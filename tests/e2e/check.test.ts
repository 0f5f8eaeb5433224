/** Checking a configuration without a tunnel: nothing is started, nobody is asked. */
import { expect, test } from 'vitest';
import { clean, useTopology } from './harness/topology.ts';

const topology = useTopology();

test('a good configuration is explained, with its profile or its path', async () => {
  const { host, site } = topology;
  const client = await topology.client({ endpoint: 'nowhere.test:51820' });
  const shown = clean(await host.wrap(['check', client.name]).wait()).text;
  expect(shown).toMatch(/^work\.conf: good\n/);
  expect(shown).toContain('nowhere.test:51820');
  expect(shown).toContain('(all of IPv4)');
  const json = clean(await host.wrap(['check', './work.conf', '--json']).wait()).text;
  expect(JSON.parse(json)).toMatchObject({
    schema: 1,
    ok: true,
    interface: { public_key: client.publicKey },
    peers: [{ public_key: site.peer.keys.publicKey, endpoint: 'nowhere.test:51820' }],
  });
  expect(host.stateFiles()).toEqual([]);
});

test('all errors of a bad one are told, with exit status 78', async () => {
  const { host } = topology;
  const client = await topology.client({ interfaceLines: ['MTU = 5', 'Colour = red'] });
  const text = await host.wrap(['check', client.name]).wait();
  expect(text).toMatchObject({ status: 78, text: '' });
  expect(text.stderr).toMatch(/^wg-wrap: work\.conf:4:7: MTU .*\nwg-wrap: work\.conf:5:1: .*\n$/);
  const json = await host.wrap(['check', client.name, '--json']).wait();
  expect(json).toMatchObject({ status: 78, stderr: '' });
  const { ok, errors } = JSON.parse(json.text) as { ok: boolean; errors: { line: number }[] };
  expect([ok, errors.map(({ line }) => line)]).toEqual([false, [4, 5]]);
  expect(await host.wrap(['check', 'absent']).wait()).toMatchObject({ status: 78, text: '' });
  expect(await host.wrap(['check']).wait()).toMatchObject({ status: 64, text: '' });
});
