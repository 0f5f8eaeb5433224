/** A tunnel's status for tests, made of the three sources that a real one is made of. */
import type { About } from '../../../src/controller/about.ts';
import {
  tunnelStatus,
  type StatusSources,
  type TunnelStatus,
} from '../../../src/controller/tunnel-status.ts';
import type { EngineStatus } from '../../../src/engine-status.ts';
import type { TunnelRecord } from '../../../src/linux/state-directory.ts';
import { addPumpDrops, NO_PUMP_COUNTS } from '../../../src/engine/pump-counts.ts';
import { createDropCounters } from '../../../src/wireguard/drop-reason.ts';

export const KEY = 'CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=';
const OUR_KEY = 'BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=';

export const RECORD: TunnelRecord = {
  name: 'work',
  config: '/home/ada/work.conf',
  directory: '/run/user/1000/wg-wrap/0@4026531840',
  state: 'connected',
  pinPid: 800,
  enginePid: 811,
  restarts: 2,
  netns: 4026532000,
  hostNetns: 4026531840,
};

export const ABOUT: About = {
  schema: 1,
  tunnel: 'work',
  config: '/home/ada/work.conf',
  startedAtMs: 1_700_000_000_000,
  options: { mtu: '1400' },
  interface: { name: 'wg0', addresses: ['10.2.0.2/32'], mtu: 1400, publicKey: OUR_KEY },
  dns: { mode: 'tunnel', servers: ['10.2.0.1'], search: ['corp.example'] },
  peers: [{ publicKey: KEY, endpoint: 'vpn.example.com:51820' }],
  lingerMs: 1500,
  warnings: ['work.conf:6: PostUp ignored'],
  notes: ['a note'],
  fingerprints: {
    PrivateKey: '',
    Address: '',
    DNS: '',
    MTU: '',
    ListenPort: '',
    PublicKey: '',
    PresharedKey: '',
    AllowedIPs: '',
    Endpoint: '',
    PersistentKeepalive: '',
    Reserved: '',
  },
};

export const ENGINE: EngineStatus = {
  schema: 1,
  pid: 812,
  uptimeMs: 100_040,
  dataPath: 'typescript',
  offload: false,
  uses: [],
  workers: 0,
  rssBytes: 47_185_920,
  connected: true,
  state: 'connected',
  underLoad: false,
  listenPort: 40112,
  publicKey: OUR_KEY,
  mtu: 1400,
  peers: [
    {
      publicKey: KEY,
      endpoint: '203.0.113.4:51820',
      resolvedFrom: null,
      allowedIps: ['0.0.0.0/0', '::/0'],
      lastHandshakeAgeMs: 12_300,
      rxBytes: 2048,
      txBytes: 1024,
      persistentKeepaliveSeconds: null,
      handshakes: 3,
      stagedPackets: 0,
    },
  ],
  drops: addPumpDrops({ ...createDropCounters(), malformed: 5, wrongSource: 7 }, NO_PUMP_COUNTS),
  udp: { closed: 0, queueFull: 1, portZero: 0, sendErrors: { EPERM: 9 }, receiveErrors: {} },
  tun: { offloaded: 0, writeErrors: {} },
  warnings: ['an observation'],
};

/** A status whose sources differ from the plain ones as `changes` say. */
export function sampleStatus(changes: Partial<StatusSources> = {}): TunnelStatus {
  return tunnelStatus({
    record: RECORD,
    about: ABOUT,
    engine: ENGINE,
    inhabitants: { sessions: [{ pid: 812, command: 'curl' }], others: [901] },
    uptime: 512.44,
    ...changes,
  });
}
