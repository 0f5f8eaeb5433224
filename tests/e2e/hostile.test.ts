/**
 * A command that means harm. It has the user's own uid, so that it may do to the user's files whatever
 * it likes; out of its tunnel it must not get, and into the engine neither.
 */
import { expect, test } from 'vitest';
import { useTopology } from './harness/topology.ts';

const topology = useTopology();

/** Tries to become a second program behind wg0, with one queue and with several. */
const ATTACH = `
import fcntl, os, struct
TUNSETIFF, IFF_TUN, IFF_NO_PI, IFF_VNET_HDR, IFF_MULTI_QUEUE = 0x400454ca, 1, 0x1000, 0x4000, 0x0100
for flags in 0, IFF_MULTI_QUEUE:
    tun = os.open('/dev/net/tun', os.O_RDWR)
    try:
        fcntl.ioctl(tun, TUNSETIFF, struct.pack('16sH22x', b'wg0', IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | flags))
        print('attached')
    except OSError:
        print('refused')
`;

test('the command cannot attach itself to the tunnel device', async () => {
  const client = await topology.client();
  expect(await topology.output(client, ['python3', '-c', ATTACH])).toBe('refused\nrefused');
});

test('a link where state directories may be has no directory of the system covered', async () => {
  const client = await topology.client();
  const { prefix, uid, namespace } = topology.host;
  // A mask is the user's to write to: over the programs, it would choose the engine's next one.
  const place = `/tmp/wg-wrap-${uid}`;
  const script = `mkdir -m 700 ${place} && ln -s ${prefix}/lib/wg-wrap ${place}/wg-wrap`;
  try {
    const first = await topology.hold(client);
    await topology.output(client, ['sh', '-c', script]);
    const show = ['ls', `${prefix}/lib/wg-wrap`];
    // One that joins, and one that builds.
    const joined = await topology.output(client, show);
    await first.finish();
    await topology.settled();
    const built = await topology.output(client, show);
    expect([joined, built].map((names) => names.split('\n').includes('engine.js'))).toEqual([
      true,
      true,
    ]);
  } finally {
    await namespace.sh(`rm -rf ${place}`);
  }
});

test('a note that was forged on the host does not make a run believe that it is inside', async () => {
  const client = await topology.client();
  const { host } = topology;
  const hold = await topology.hold(client);
  const forge = `
    cd "$XDG_RUNTIME_DIR/wg-wrap" && key=$(ls) &&
    printf 'netns %s\\nkey %s\\ntunnel work\\n' "\${key#*@}" "\${key%@*}" >inside`;
  await host.user(['sh', '-c', forge]).wait();
  const where = await topology.output(client, ['readlink', '/proc/self/ns/net']);
  await host.user(['rm', `${host.runtime}/wg-wrap/inside`]).wait();
  expect(where).toBe((await hold.finish()).text);
});
