/** Debian's own nscd on the host, which the C library asks whatever nsswitch.conf says. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Nscd } from './harness/daemons.ts';
import { eventually } from './harness/eventually.ts';
import { FALSE_ADDRESS, INSIDE_NAME } from './harness/site.ts';
import { mountedAt } from './harness/snapshot.ts';
import { useTopology } from './harness/topology.ts';

const topology = useTopology();
let nscd: Nscd;

beforeAll(async () => {
  nscd = new Nscd(topology.host);
  await nscd.start();
});

afterAll(async () => {
  await nscd.stop();
});

const ASK = ['getent', 'ahostsv4', INSIDE_NAME];

test('a program of the host asks nscd, and gets the answer of the host', async () => {
  topology.allow(/inside\.test/);
  expect((await topology.host.user(ASK).wait()).text).toContain(FALSE_ADDRESS);
  expect(nscd.questions()).toContain(INSIDE_NAME);
});

test('a wrapped program asks the tunnel, also when nscd has the answer already', async () => {
  topology.allow(/inside\.test/);
  await topology.host.user(ASK).wait();
  const before = nscd.questions().length;
  const client = await topology.client();
  expect(await topology.output(client, ASK)).toContain(topology.site.addresses.inner4);
  expect(nscd.questions()).toHaveLength(before);
});

test('an nscd that starts again while a program runs is not asked by it', async () => {
  const client = await topology.client();
  const script = `echo ready; while read -r line; do ${ASK.join(' ')} | head -n1; done`;
  const session = topology.start(client, ['sh', '-c', script], { inputStaysOpen: true });
  await session.until(/^ready$/m);
  await nscd.start();
  await eventually(
    () => mountedAt(session.pid, '/run/nscd') === 'tmpfs',
    10_000,
    () => 'nothing is mounted at /run/nscd inside',
  );
  for (let count = 1; count <= 3; count++) {
    session.write('\n');
    await eventually(
      () => session.output.split('STREAM').length > count,
      10_000,
      () => `no answer to question ${count}`,
    );
  }
  const { text } = await session.finish();
  expect(text).not.toContain(FALSE_ADDRESS);
  expect(nscd.questions()).toEqual([]);
});
