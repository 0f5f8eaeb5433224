import { describe, expect, it } from 'vitest';
import { formatHex } from '../../../src/bytes.ts';
import { formatKey } from '../../../src/key.ts';
import { control, type ControlledSockets } from '../../../src/engine/control.ts';
import type { ControlListener } from '../../../src/engine/control-socket.ts';
import { DeviceSockets } from '../../../src/engine/device-sockets.ts';
import { parseEngineStatus } from '../../../src/engine-status.ts';
import { TunnelSockets } from '../../../src/engine/tunnel-sockets.ts';
import { createUdpCounters } from '../../../src/linux/udp.ts';
import { UAPI_ERRNO } from '../../../src/uapi.ts';
import { Device } from '../../../src/wireguard/device.ts';
import { x25519 } from '../../../src/wireguard/x25519.ts';

const SECRET = '77'.repeat(32);
const PUBLIC = formatHex(x25519.publicKey(new Uint8Array(32).fill(0x77)));
const PRESHARED = '55'.repeat(32);
const PEER = '99'.repeat(32);
const CONFIGURE = `set=1
private_key=${SECRET}
public_key=${PEER}
preshared_key=${PRESHARED}
endpoint=[fe80::1%eth0]:5
allowed_ip=10.0.0.0/8
`;

const refusing: ControlledSockets = {
  listenPort: 1,
  fwmark: 0,
  update: () => UAPI_ERRNO.addressInUse,
};

/** Ports of sockets that no request moves. */
const idle = {
  ask: () => undefined,
  use: () => undefined,
  close: () => undefined,
  drop: () => undefined,
  onRenewed: () => undefined,
  onMissing: () => undefined,
};

/** What answers requests about a new device that is down. */
function listener(
  tellsSecrets: boolean,
  sockets: ControlledSockets = new TunnelSockets(4000, idle),
): ControlListener {
  const device = new Device({
    entropy: {
      fill: (bytes) => {
        bytes.fill(1);
      },
    },
    wallClock: () => ({ seconds: 0, nanoseconds: 0 }),
    mtu: 1420,
    x25519,
  });
  const out = { transmit: () => undefined, deliver: () => undefined };
  const loop = {
    apply: (verb: (now: number, outputs: typeof out) => void) => {
      verb(0, out);
    },
    connected: new Promise<void>(() => undefined),
    observation: {
      initiationsSent: 0,
      responsesReceived: 0,
      cookieRepliesReceived: 0,
      foreignReceived: 0,
    },
    sendErrors: () => ['EPERM'],
    dataPath: { dataPath: 'typescript', offload: false, uses: [], workers: 0 } as const,
    status: () => device.status(0),
    counters: {
      udp: { ...createUdpCounters(), queueFull: 3, sendErrors: new Map([['EPERM', 2]]) },
      tun: { offloaded: 4, writeErrors: new Map() },
    },
  };
  const engine = { startedAt: 0 };
  return control({ device, loop, sockets, engine, tellsSecrets });
}

describe('requests', () => {
  it('about a device give its private key and preshared keys back', async () => {
    const requests = listener(true);
    expect(await requests.onSet(CONFIGURE)).toBe('errno=0\n\n');
    const answer = requests.onGet();
    expect(answer).toContain(`private_key=${SECRET}\n`);
    expect(answer).toContain(`preshared_key=${PRESHARED}\n`);
    expect(answer).toContain('endpoint=[fe80::1%eth0]:5\n');
    expect(answer).not.toContain('own_public_key');
    await requests.onSet(`set=1\nprivate_key=${'00'.repeat(32)}\n`);
    expect(requests.onGet()).not.toContain('private_key');
  });

  it('about a tunnel give its public key, and no other', async () => {
    const requests = listener(false);
    await requests.onSet(CONFIGURE);
    const answer = requests.onGet();
    expect(answer).toContain(`own_public_key=${PUBLIC}\n`);
    expect(answer).toContain(`preshared_key=${'00'.repeat(32)}\n`);
    expect(answer).not.toContain(SECRET);
    expect(answer).not.toContain(PRESHARED);
  });

  it('do not name a port or a mark that there is not', async () => {
    const requests = listener(true, new DeviceSockets(() => undefined));
    expect(requests.onGet()).toBe('errno=0\n\n');
    await requests.onSet('set=1\nfwmark=16\n');
    expect(requests.onGet()).toBe('fwmark=16\nerrno=0\n\n');
  });

  it('that the sockets refuse change nothing', async () => {
    const requests = listener(true, refusing);
    const before = requests.onGet();
    expect(await requests.onSet(CONFIGURE)).toBe('errno=-98\n\n');
    expect(requests.onGet()).toBe(before);
  });

  it('about the status are answered with one line of JSON that holds no secret', async () => {
    for (const tellsSecrets of [true, false]) {
      const requests = listener(tellsSecrets);
      await requests.onSet(CONFIGURE);
      const answer = requests.onStatus();
      expect(answer).toMatch(/^status=\{.*\}\nerrno=0\n\n$/);
      expect(answer).not.toContain(formatKey(new Uint8Array(32).fill(0x77)));
      expect(answer).not.toContain(formatKey(new Uint8Array(32).fill(0x55)));
      expect(parseEngineStatus(answer)).toMatchObject({
        state: 'starting',
        listenPort: 4000,
        mtu: 1420,
        udp: { closed: 0, queueFull: 3, portZero: 0, sendErrors: { EPERM: 2 }, receiveErrors: {} },
        tun: { offloaded: 4, writeErrors: {} },
        peers: [{ endpoint: '[fe80::1%eth0]:5', allowedIps: ['10.0.0.0/8'], resolvedFrom: null }],
      });
    }
  });
});
