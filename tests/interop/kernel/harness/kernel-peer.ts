/**
 * The kernel's WireGuard in a virtual machine, configured with `wg`, and servers behind it.
 *
 * The servers are socat: TCP 80 sends one file, TCP 81 answers with the SHA-256 of what it got, UDP
 * 7 is an echo. They listen on the machine's tunnel addresses only after wg0 has them, and the
 * machine answers nothing else on its outer addresses.
 */
import { makeKeyPair, type KeyPair } from '../../../e2e/harness/keys.ts';
import type { Machine } from './machine.ts';

/** The machine's addresses, outside and in the tunnel. */
export const KERNEL = {
  outer4: '198.51.100.1',
  outer6: '2001:db8::1',
  inner4: '10.9.0.1',
  inner6: 'fd09::1',
  port: 51820,
} as const;

/** How large the served file is. */
export const FILE_BYTES = 2_000_000;

/** A peer as `wg` takes it. */
export interface KernelPeerOptions {
  readonly publicKey: string;
  readonly presharedKey?: string;
  readonly allowedIps: readonly string[];
  /** With it the kernel initiates, at once. */
  readonly endpoint?: string;
}

const BRING_UP = `
ip link set eth0 addrgenmode none
ip address add ${KERNEL.outer4}/24 dev eth0
ip address add ${KERNEL.outer6}/64 dev eth0 nodad
ip link set eth0 up
ip link add wg0 type wireguard
ip link set wg0 addrgenmode none
ip address add ${KERNEL.inner4}/24 dev wg0
ip address add ${KERNEL.inner6}/64 dev wg0 nodad
ip link set wg0 up
`;

const SERVE = `
head -c ${FILE_BYTES} /dev/urandom >/tmp/file
socat -U TCP6-LISTEN:80,fork,reuseaddr OPEN:/tmp/file,rdonly &
socat -t 20 TCP6-LISTEN:81,fork,reuseaddr EXEC:sha256sum &
socat -T 10 UDP6-LISTEN:7,fork,reuseaddr PIPE &
`;

/** The kernel's end of the tunnel. */
export class KernelPeer {
  readonly machine: Machine;
  readonly keys: KeyPair;

  private constructor(machine: Machine, keys: KeyPair) {
    this.machine = machine;
    this.keys = keys;
  }

  /** Brings up a freshly booted machine; with `keys`, as the peer that somebody knows already. */
  static async start(machine: Machine, keys: KeyPair = makeKeyPair()): Promise<KernelPeer> {
    await machine.sh(BRING_UP);
    await machine.sh(SERVE);
    const peer = new KernelPeer(machine, keys);
    await peer.setPeers([]);
    return peer;
  }

  /** Replaces all peers, so that no session stays, and forgets the log. */
  async setPeers(peers: readonly KernelPeerOptions[]): Promise<void> {
    const config = [
      '[Interface]',
      `PrivateKey = ${this.keys.privateKey}`,
      `ListenPort = ${KERNEL.port}`,
      ...peers.flatMap(formatPeer),
    ];
    await this.machine.sh(
      `dmesg -c >/dev/null\nwg setconf wg0 /proc/self/fd/0 <<'END'\n${config.join('\n')}\nEND`,
    );
  }

  /** What the kernel says about handshakes and cookies since {@link setPeers}. */
  async log(): Promise<string> {
    return await this.machine.sh('dmesg');
  }

  /** Where the kernel sends to its only peer: `ADDRESS:PORT`. */
  async endpoint(): Promise<string> {
    const [, endpoint = ''] = (await this.machine.sh('wg show wg0 endpoints')).split('\t');
    return endpoint;
  }

  /** The SHA-256 of the file that it serves. */
  async fileHash(): Promise<string> {
    return await this.machine.sh('sha256sum </tmp/file');
  }
}

function formatPeer(peer: KernelPeerOptions): readonly string[] {
  const { presharedKey, endpoint } = peer;
  return [
    '[Peer]',
    `PublicKey = ${peer.publicKey}`,
    `AllowedIPs = ${peer.allowedIps.join(', ')}`,
    ...(presharedKey === undefined ? [] : [`PresharedKey = ${presharedKey}`]),
    // Nothing else would make it initiate before it has something to send.
    ...(endpoint === undefined ? [] : [`Endpoint = ${endpoint}`, 'PersistentKeepalive = 25']),
  ];
}
