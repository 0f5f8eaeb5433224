/** The life of a device: from the command that makes it to the last trace of it. */
import { describe, expect, it } from 'vitest';
import { Command } from '../../e2e/harness/command.ts';
import { eventually } from '../../e2e/harness/eventually.ts';
import { Namespace } from '../../e2e/harness/namespace.ts';
import { ENVIRONMENT, useLab } from './harness/lab.ts';

const lab = useLab();

const ADDRESSES = 'ip address add 10.9.0.2/24 dev wg0; ip address add fd09::2/64 dev wg0 nodad';
const ENDS: readonly (readonly [string, string])[] = [
  ['the interface is deleted', 'ip link delete wg0'],
  ['the socket is removed', 'rm /run/wireguard/wg0.sock'],
  [
    'the socket is renamed',
    'mv /run/wireguard/wg0.sock /run/wireguard/other; rm /run/wireguard/other',
  ],
];

/** Waits until the device has closed or opened its port. */
async function portIs(state: 'open' | 'closed', port: string): Promise<void> {
  await eventually(
    async () => (await lab.sh('ss -Hlun')).includes(`:${port} `) === (state === 'open'),
    3000,
    () => `port ${port} is not ${state}`,
  );
}

/** Starts a device in the foreground, and waits until the launcher has told it about its link. */
async function foreground(): Promise<Command> {
  const command = Command.start(lab.here.enter([lab.launcher, 'device', '-f', 'wg0']), {
    env: { ...ENVIRONMENT, LOG_LEVEL: 'verbose' },
  });
  await command.until(/took MTU 1420/);
  return command;
}

describe('a device', () => {
  it('is there when the command returns, and carries the first packet after its link is up', async () => {
    await lab.makeDevice();
    const pinged = await lab.sh(`${ADDRESSES}
      ip link set wg0 up && ping -n -c 1 -W 15 10.9.0.1 && ping -n -c 1 -W 15 fd09::1`);
    expect(pinged.match(/1 received/g)).toHaveLength(2);
    const { rxBytes, txBytes } = await lab.peer.peerState();
    expect(rxBytes).toBeGreaterThan(0);
    expect(await lab.sh('wg show wg0 transfer')).toMatch(new RegExp(`${txBytes}\\s+${rxBytes}$`));
  });

  it('has the MTU and the flags of a wireguard-go device', async () => {
    await lab.sh('$W device wg0');
    expect(await lab.sh('ip -d link show wg0')).toMatch(
      /<POINTOPOINT,MULTICAST,NOARP> mtu 1420 .*tun type tun pi off vnet_hdr on/s,
    );
  });

  it.each(ENDS)('ends when %s', async (_what, script) => {
    await lab.sh('$W device wg0');
    await lab.sh(script);
    await lab.gone();
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('ends well on %s', async (signal) => {
    const command = await foreground();
    command.kill(signal);
    const { status, stderr } = await command.wait();
    expect(status).toBe(0);
    expect(stderr).not.toContain('wg-wrap:');
    await lab.gone();
  });

  it('ends with an error when its engine is killed', async () => {
    const command = await foreground();
    process.kill(lab.process('engine').pid, 'SIGKILL');
    const { status, stderr } = await command.wait();
    expect(status).toBe(125);
    expect(stderr).toContain('wg-wrap: wg0: the engine ended unexpectedly\n');
    await lab.gone();
  });

  it('leaves nothing but a socket when its keeper is killed, and that is replaced', async () => {
    await lab.sh('$W device wg0');
    process.kill(lab.process('keeper').pid, 'SIGKILL');
    await eventually(
      () => lab.processes().length === 0,
      3000,
      () => 'the engine outlived its keeper',
    );
    expect(await lab.sh('ls /run/wireguard; ip -o link | grep wg || true')).toBe('wg0.sock');
    await lab.sh('$W device wg0');
    expect(await lab.sh('wg show interfaces')).toBe('wg0');
  });

  it('closes its port while the link is down, and opens the same one again', async () => {
    await lab.makeDevice();
    await lab.sh('ip link set wg0 up');
    await eventually(
      async () => (await lab.sh('wg show wg0 listen-port')) !== '0',
      3000,
      () => 'no port',
    );
    const port = await lab.sh('wg show wg0 listen-port');
    await portIs('open', port);
    await lab.sh('ip link set wg0 down');
    await portIs('closed', port);
    await lab.sh('ip link set wg0 up');
    await portIs('open', port);
  });

  it('keeps its peers over a link that goes down, and answers again', async () => {
    await lab.makeDevice();
    await lab.sh(`${ADDRESSES}; ip link set wg0 up; ping -n -c 1 -W 15 10.9.0.1`);
    await lab.sh('ip link set wg0 down; ip link set wg0 up; ping -n -c 1 -W 15 10.9.0.1');
  });
});

describe('a device that is moved to another network namespace', () => {
  it('works there, and follows its link there', async () => {
    await lab.makeDevice();
    const inside = await Namespace.create(':');
    try {
      await lab.sh(`ip link set wg0 netns ${inside.pid}`);
      await inside.sh(`${ADDRESSES}; ip link set wg0 mtu 1300 up; ping -n -c 1 -W 15 10.9.0.1`);
      const port = await lab.sh('wg show wg0 listen-port');
      await portIs('open', port);
      await inside.sh('ip link set wg0 down');
      await portIs('closed', port);
      await inside.sh('ip link set wg0 name renamed up');
      await portIs('open', port);
      await inside.sh('ip link delete renamed');
      await lab.gone();
    } finally {
      await inside.close();
    }
  });

  it('works when it was up before, and comes back', async () => {
    await lab.makeDevice();
    await lab.sh(`${ADDRESSES}; ip link set wg0 up; ping -n -c 1 -W 15 10.9.0.1`);
    const inside = await Namespace.create(':');
    try {
      await lab.sh(`ip link set wg0 netns ${inside.pid}`);
      await inside.sh(`${ADDRESSES}; ip link set wg0 up; ping -n -c 1 -W 15 10.9.0.1`);
      await inside.sh(`ip link set wg0 netns ${lab.here.pid}`);
      await lab.sh(`${ADDRESSES}; ip link set wg0 up; ping -n -c 1 -W 15 10.9.0.1`);
    } finally {
      await inside.close();
    }
  });

  it('ends with that namespace, which it does not keep alive', async () => {
    await lab.makeDevice();
    const inside = await Namespace.create(':');
    await lab.sh(`ip link set wg0 netns ${inside.pid}`);
    await inside.sh('ip link set wg0 up');
    await inside.close();
    await lab.gone();
  });
});

describe('a device is refused', () => {
  /** Runs the launcher with words, and tells how it failed. */
  async function refused(
    words: readonly string[],
    options: readonly string[] = [],
  ): Promise<readonly [number | null, string]> {
    const argv = [...options, lab.launcher, 'device', ...words];
    const { status, stderr } = await Command.start(lab.here.enter(argv)).wait();
    return [status, stderr];
  }

  it.each([
    [[], 'no interface named'],
    [['wg0', 'wg1'], 'one device at a time'],
    [['-x', 'wg0'], 'unknown option -x'],
    [['a/b'], '"a/b" can\'t name an interface'],
    [['sixteen-letters-'], "can't name an interface"],
    [['wg%d'], "can't name an interface"],
    [['..'], "can't name an interface"],
  ])('where its words are %j, with a usage line or the rule', async (words, reason) => {
    const [status, stderr] = await refused(words);
    expect(status).toBe(64);
    expect(stderr).toContain(reason);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it('where the interface exists', async () => {
    await lab.sh('$W device wg0');
    expect(await refused(['wg0'])).toEqual([
      125,
      'wg-wrap: there is an interface wg0 already (EBUSY); end its program, or ip link delete wg0\n',
    ]);
  });

  it('where another namespace has a device of that name, which is left alone', async () => {
    await lab.sh('$W device wg0');
    const [status, stderr] = await refused(['wg0'], ['unshare', '--net']);
    expect(status).toBe(125);
    expect(stderr).toMatch(/wg0\.sock is in use by another device \(EADDRINUSE\)/);
    expect(await lab.sh('wg show interfaces')).toBe('wg0');
  });

  it('with a number of workers that there can not be', async () => {
    expect(await refused(['wg0'], ['env', 'WG_WRAP_PUMP_WORKERS=8'])).toEqual([
      64,
      'wg-wrap: WG_WRAP_PUMP_WORKERS "8": expected a number from 0 to 7\n',
    ]);
  });

  it('without CAP_NET_ADMIN', async () => {
    const user = ['setpriv', '--reuid=1234', '--regid=1234', '--clear-groups'];
    const [status, stderr] = await refused(['wg0'], user);
    expect(status).toBe(125);
    expect(stderr).toMatch(/^wg-wrap: making wg0 needs CAP_NET_ADMIN .*\(EPERM\); run it as root/);
  });
});
