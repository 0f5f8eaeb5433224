/**
 * Who moves the packets of a device, and that whatever is done to it reaches whoever does. All but the
 * first few run with either, as `WG_WRAP_PUMP` says.
 */
import { describe, expect, inject, it } from 'vitest';
import { Command } from '../../e2e/harness/command.ts';
import { eventually } from '../../e2e/harness/eventually.ts';
import { makeKeyPair } from '../../e2e/harness/keys.ts';
import { ENVIRONMENT, PEER_PORT, useLab } from './harness/lab.ts';

const lab = useLab();

const ADDRESSES = 'ip address add 10.9.0.2/24 dev wg0; ip address add fd09::2/64 dev wg0 nodad';
const PING = 'ping -n -c 1 -W 15 10.9.0.1';
/** An ordinary user, for whom limits count; it may make interfaces all the same. */
const USER = 1234;
const AS_USER = [
  `setpriv --reuid=${USER} --regid=${USER} --clear-groups`,
  '--inh-caps=+net_admin --ambient-caps=+net_admin',
].join(' ');

/** Exits with 0 if this kernel gives a ring: io_uring_setup(2) has one number on all machines. */
const HAS_URING = `perl -e 'my $params = "\\0" x 120; exit(syscall(425, 4, $params) < 0)'`;

/** Sends so many datagrams through the tunnel, one each two milliseconds. */
const SEND = `
  const socket = require('node:dgram').createSocket('udp4');
  let left = Number(process.argv[1]);
  console.log('sending');
  const timer = setInterval(() => {
    if (left-- > 0) socket.send('one', 7, '10.9.0.1');
    else { clearInterval(timer); socket.close(); }
  }, 2);`;

/** Serves as many megabytes as it is asked for, and prints the digest of what it is given. */
const SERVE = `
  const { createHash } = require('node:crypto');
  require('node:http').createServer((request, response) => {
    if (request.method === 'GET') { response.end(Buffer.alloc(Number(request.url.slice(1)) << 20, 'wg')); return; }
    const hash = createHash('sha256');
    request.on('data', (piece) => hash.update(piece));
    request.on('end', () => response.end(hash.digest('hex')));
  }).listen(8080, '10.9.0.1', () => console.log('serving'));`;

/** A device whose link is up, after a first packet. */
async function begin(env: Readonly<Record<string, string>> = {}): Promise<void> {
  await lab.makeDevice('wg0', env);
  await lab.sh(`${ADDRESSES}; ip link set wg0 up; ${PING}`);
}

/** Starts a device in the foreground, which logs all. */
async function foreground(
  env: Readonly<Record<string, string>>,
  options: readonly string[] = [],
): Promise<Command> {
  const command = Command.start(lab.here.enter([...options, lab.launcher, 'device', '-f', 'wg0']), {
    env: { ...ENVIRONMENT, LOG_LEVEL: 'verbose', ...env },
  });
  await command.until(/took MTU 1420/);
  await lab.introduce(makeKeyPair());
  await lab.sh(`${ADDRESSES}; ip link set wg0 up; ${PING}`);
  return command;
}

/** What the engine knows of its one peer. */
async function peer(): Promise<{ handshakes: number; rxBytes: number; txBytes: number }> {
  const { peers } = await lab.status();
  const { handshakes, rxBytes, txBytes } = peers[0];
  return { handshakes, rxBytes, txBytes };
}

/** Packets that the peer has got out of the tunnel. */
async function received(): Promise<number> {
  const [link] = JSON.parse(await lab.there.sh('ip -s -j link show wg0')) as [
    { readonly stats64: { readonly rx: { readonly packets: number } } },
  ];
  return link.stats64.rx.packets;
}

/** How many reads the ring of a process has done (proc(5), fdinfo); 0 without one. */
async function readsOfRing(pid: number): Promise<number> {
  const info = await lab.sh(`
    for fd in $(find /proc/${pid}/fd -lname 'anon_inode:\\[io_uring\\]' 2>/dev/null); do
      cat /proc/${pid}/fdinfo/\${fd##*/}
    done`);
  return Number(/^CqTail:\s*(\d+)$/m.exec(info)?.[1] ?? 0);
}

/** Bytes of the datagram in which one echo request leaves that is so long with all its headers. */
async function datagramOf(bytes: number): Promise<number> {
  const before = (await peer()).txBytes;
  await lab.sh(`ping -n -c 1 -W 15 -M do -s ${bytes - 28} 10.9.0.1`);
  return (await peer()).txBytes - before;
}

describe('the packets of a device', () => {
  it('are moved by the pump, with all that the kernel has for it', async () => {
    lab.allowOtherDataPath();
    await begin({ WG_WRAP_PUMP: 'on' });
    const { dataPath, offload, uses } = await lab.status();
    expect({ dataPath, offload }).toEqual({ dataPath: 'pump', offload: true });
    expect(uses).toEqual(expect.arrayContaining(['tso', 'coalesce', 'segment4', 'gro4']));
  });

  it('are read many at once where the kernel has io_uring and many wait', async () => {
    lab.allowOtherDataPath();
    await begin({ WG_WRAP_PUMP: 'on' });
    const hasUring = (await lab.sh(`${HAS_URING} && echo yes || echo no`)) === 'yes';
    expect((await lab.status()).uses.includes('uring')).toBe(hasUring);
    const { pid } = lab.process('engine');
    process.kill(pid, 'SIGSTOP');
    await lab.sh('! ping -n -q -c 200 -l 200 -w 1 10.9.0.1');
    process.kill(pid, 'SIGCONT');
    await lab.sh(PING);
    expect((await readsOfRing(pid)) > 0).toBe(hasUring);
  });

  it('carry the mark of a congestion on their way', async () => {
    lab.allowOtherDataPath();
    await begin({ WG_WRAP_PUMP: 'on' });
    await lab.there
      .sh(`nft 'add table inet way; add chain inet way out { type filter hook output priority 0; };
      add rule inet way out udp sport ${PEER_PORT} ip ecn set ce'`);
    try {
      await lab.sh(`nft 'add table inet seen; add chain inet seen in { type filter hook input priority 0; };
        add rule inet seen in iifname wg0 ip ecn ce counter'
        ping -n -c 3 -i 0.1 -W 15 -Q 2 10.9.0.1`);
      expect(await lab.sh('nft list table inet seen')).toContain('counter packets 3 ');
    } finally {
      await lab.there.sh('nft delete table inet way');
      await lab.sh('nft delete table inet seen');
    }
  });

  it('are moved by the engine itself with WG_WRAP_PUMP=off', async () => {
    lab.allowOtherDataPath();
    await begin({ WG_WRAP_PUMP: 'off', WG_WRAP_PUMP_WORKERS: '3' });
    expect(await lab.status()).toMatchObject({ dataPath: 'typescript', uses: [] });
  });

  it('are sealed by as many workers as there shall be', async () => {
    lab.allowOtherDataPath();
    const device = await foreground({ WG_WRAP_PUMP: 'on', WG_WRAP_PUMP_WORKERS: '3' });
    await device.until(/went up, port \d+, data path pump, 6 workers\n/);
    device.kill('SIGTERM');
    expect((await device.wait()).status).toBe(0);
  });

  it('are moved by the engine itself where the pump can not be loaded, and the log says why', async () => {
    lab.allowOtherDataPath();
    const library = `${inject('installation')}/lib/wg-wrap/libwgpump.so`;
    await lab.sh(`mount --bind /etc/hostname ${library}`);
    try {
      const device = await foreground({ WG_WRAP_PUMP: 'on' });
      await device.until(/ could not use the pump \(.*libwgpump\.so.*\)/);
      expect((await lab.status()).dataPath).toBe('typescript');
    } finally {
      await lab.sh(`umount ${library}`);
    }
  });

  it('are moved by the engine itself after the pump has failed, on the same sockets', async () => {
    lab.allowOtherDataPath();
    await lab.sh(`chown ${USER} /run/wireguard`);
    const device = await foreground({ WG_WRAP_PUMP: 'on' }, AS_USER.split(' '));
    expect((await lab.status()).dataPath).toBe('pump');
    const idle = makeKeyPair().publicKey;
    await lab.sh(`wg set wg0 peer ${idle} endpoint 198.51.100.1:9 allowed-ips 192.0.2.0/24`);
    // The user may have no more processes from here on, and so no more threads.
    await lab.sh(`${AS_USER} prlimit --pid ${lab.process('engine').pid} --nproc=1:1`);
    await lab.sh('wg set wg0 listen-port 5005');
    await device.until(/ lost the pump \(pump_start: EAGAIN\), and goes on without it\n/);
    await lab.sh(PING);
    expect((await lab.status()).dataPath).toBe('typescript');
    expect((await lab.peer.peerState()).endpoint).toBe('198.51.100.2:5005');
    expect(await lab.sh('wg show wg0 transfer')).toContain(`${idle}\t0\t0`);
    await lab.sh(`ip link set wg0 down; ip link set wg0 up; ${PING}`);
  });
});

describe('whoever moves the packets of a device', () => {
  it('carries much, both ways', async () => {
    await begin();
    const server = await lab.there.daemon([process.execPath, '-e', SERVE], /serving/);
    try {
      const digests = await lab.sh(`
        curl -sS http://10.9.0.1:8080/20 | tee /run/wireguard/file | sha256sum | cut -d' ' -f1
        curl -sS --data-binary @/run/wireguard/file http://10.9.0.1:8080/; echo
        rm /run/wireguard/file`);
      const [down, up] = digests.split('\n');
      expect(up).toBe(down);
      expect(down).toMatch(/^[0-9a-f]{64}$/);
    } finally {
      await lab.there.stop(server);
    }
  });

  it('pads to the MTU that the link has at the moment', async () => {
    await begin();
    // 1300 and 1380 are no multiples of 16: the next one would be longer than the MTU.
    for (const mtu of [1300, 1380]) {
      await lab.sh(`ip link set wg0 mtu ${mtu}`);
      await eventually(
        async () => (await lab.status()).mtu === mtu,
        3000,
        () => `the engine has not heard of MTU ${mtu}`,
      );
      expect(await datagramOf(mtu)).toBe(32 + mtu);
      expect(await datagramOf(mtu - 20)).toBe(32 + Math.ceil((mtu - 20) / 16) * 16);
    }
  });

  it('sends and receives nothing while the link is down, and begins with new keys', async () => {
    await begin();
    await lab.sh('ip link set wg0 down');
    await eventually(
      async () => !(await lab.sh('ss -Hlun')).includes(':'),
      3000,
      () => 'a port is open',
    );
    const before = await peer();
    await expect(lab.there.sh('ping -n -c 2 -i 0.2 -W 1 10.9.0.2')).rejects.toThrow(/0 received/);
    await lab.sh(`wg set wg0 peer ${lab.peer.keys.publicKey} persistent-keepalive 1`);
    expect(await peer()).toEqual(before);
    await lab.sh(`wg set wg0 peer ${lab.peer.keys.publicKey} persistent-keepalive 0`);
    await lab.sh(`ip link set wg0 up; ${PING}`);
    expect((await peer()).handshakes).toBe(before.handshakes + 1);
  });

  it('loses nothing that goes out while the port changes', async () => {
    await begin();
    const before = await received();
    const count = 1000;
    const sender = await lab.here.daemon([process.execPath, '-e', SEND, String(count)], /sending/);
    const ports = new Set<string>();
    for (let port = 5010; sender.isRunning; port = port === 5019 ? 5010 : port + 1) {
      await lab.sh(`wg set wg0 listen-port ${port}`);
      ports.add((await lab.peer.peerState()).endpoint);
    }
    await eventually(
      async () => (await received()) - before === count,
      5000,
      () => 'some were lost',
    );
    expect(ports.size).toBeGreaterThan(5);
  });

  it('answers again at once after the link was down and up, again and again', async () => {
    await begin();
    const { handshakes } = await peer();
    for (let round = 0; round < 5; round++) {
      await lab.sh(`ip link set wg0 down; ip link set wg0 up; ${PING}`);
    }
    expect((await peer()).handshakes).toBeLessThanOrEqual(handshakes + 5);
  });

  it('lives through changes of every kind under load, and stays who it is', async () => {
    await begin();
    const { pid } = lab.process('engine');
    const flood = ['ping', '-n', '-q', '-f', '-l', '50', '-s', '1000'];
    const floods = [
      await lab.here.daemon([...flood, '10.9.0.1'], /PING/),
      await lab.there.daemon([...flood, '10.9.0.2'], /PING/),
    ];
    for (let round = 0; round < 8; round++) {
      await lab.sh(`
        wg set wg0 listen-port ${5020 + round} fwmark ${round}
        ip link set wg0 mtu ${1300 + round}
        wg set wg0 peer ${makeKeyPair().publicKey} endpoint 198.51.100.1:9 allowed-ips 192.0.2.${round}/32
        ip link set wg0 down; wg set wg0 listen-port 0; ip link set wg0 up
        wg set wg0 peer ${lab.peer.keys.publicKey} allowed-ips fd09::/64
        wg set wg0 peer ${lab.peer.keys.publicKey} allowed-ips 10.9.0.0/24`);
    }
    expect(floods.map((ping) => ping.isRunning)).toEqual([true, true]);
    for (const ping of floods) ping.kill('SIGTERM');
    await lab.sh(PING);
    expect(lab.process('engine').pid).toBe(pid);
    expect((await lab.status()).peers).toHaveLength(9);
  });

  it('goes on without sockets where the port is taken, and with those of another port', async () => {
    const bind = `require('node:dgram').createSocket('udp4').bind(5003, () => console.log('bound'))`;
    const taken = await lab.here.daemon([process.execPath, '-e', bind], /bound/);
    try {
      await lab.makeDevice();
      await lab.sh(`wg set wg0 listen-port 5003; ${ADDRESSES}; ip link set wg0 up`);
      await expect(lab.sh('ping -n -c 1 -W 1 10.9.0.1')).rejects.toThrow(/0 received/);
      await lab.sh(`wg set wg0 listen-port 5004; ${PING}`);
    } finally {
      await lab.here.stop(taken);
    }
  });

  it('forgets a peer that is removed, and knows it again', async () => {
    await lab.makeDevice();
    await lab.sh(`${ADDRESSES}; ip link set wg0 up; ${PING}`);
    const configuration = await lab.sh('wg showconf wg0');
    await lab.sh(`wg set wg0 peer ${lab.peer.keys.publicKey} remove`);
    await expect(lab.sh('ping -n -c 1 -W 1 10.9.0.1')).rejects.toThrow(/0 received/);
    await lab.wg('setconf wg0', `${configuration}\n`);
    await lab.sh(PING);
    await lab.sh(`wg set wg0 peer ${lab.peer.keys.publicKey} allowed-ips fd09::/64`);
    await expect(lab.sh('ping -n -c 1 -W 1 10.9.0.1')).rejects.toThrow(/0 received/);
    await lab.sh('ping -n -c 1 -W 15 fd09::1');
  });

  it('finds a peer at a link-local address by the name of the interface', async () => {
    await begin();
    await lab.there.sh('ip address add fe80::1/64 dev uplink nodad');
    await lab.sh(`ip address add fe80::2/64 dev uplink nodad
      wg set wg0 peer ${lab.peer.keys.publicKey} endpoint '[fe80::1%uplink]:${PEER_PORT}'
      ${PING}`);
    expect((await lab.peer.peerState()).endpoint).toMatch(/^\[fe80::2(%uplink)?\]:/);
    expect(await lab.sh('wg show wg0 endpoints')).toContain(`[fe80::1%uplink]:${PEER_PORT}`);
    await lab.sh(`ip link set wg0 down; ip link set wg0 up; ${PING}`);
  });
});
