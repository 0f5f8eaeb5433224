import { describe, expect, it } from 'vitest';
import { formatEngineStatus, parseEngineStatus } from '../../../src/engine-status.ts';
import { engineStatus, type EngineFacts } from '../../../src/engine/status.ts';
import { parsePrefix, UdpEndpoint } from '../../../src/ip.ts';
import { formatKey } from '../../../src/key.ts';
import { createUdpCounters } from '../../../src/linux/udp.ts';
import { createDropCounters } from '../../../src/wireguard/drop-reason.ts';

const key = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

const facts: EngineFacts = {
  now: 500_000,
  startedAt: 400_000.4,
  pid: 811,
  rssBytes: 45_000_000,
  dataPath: 'typescript',
  offload: false,
  uses: [],
  workers: 6,
  listenPort: 40112,
  device: {
    publicKey: key(7),
    mtu: 1420,
    underLoad: false,
    drops: { ...createDropCounters(), malformed: 5 },
    peers: [
      {
        publicKey: key(9),
        presharedKey: key(8),
        endpoint: new UdpEndpoint(Uint8Array.of(203, 0, 113, 4), 51820),
        allowedIPs: [parsePrefix('0.0.0.0/0')!],
        rxBytes: 1,
        txBytes: 2,
        persistentKeepaliveSeconds: 25,
        stagedPackets: 3,
        silences: 0,
        replies: { handshakes: 4, lastHandshakeAt: 487_700, reclaimedAt: [] },
      },
      {
        publicKey: key(10),
        allowedIPs: [],
        rxBytes: 0,
        txBytes: 0,
        persistentKeepaliveSeconds: 0,
        stagedPackets: 0,
        silences: 0,
        replies: { handshakes: 0, reclaimedAt: [] },
      },
    ],
  },
  udp: {
    ...createUdpCounters(),
    closed: 1,
    portZero: 3,
    receiveErrors: new Map([['ECONNREFUSED', 2]]),
  },
  tun: { offloaded: 6, writeErrors: new Map([['EIO', 7]]) },
  nameOf: (peer) => (peer.endpoint ? 'vpn.example.com' : undefined),
};

describe('what an engine says of itself', () => {
  it('has everything, with null for what is not known', () => {
    expect(engineStatus(facts)).toEqual({
      pid: 811,
      uptimeMs: 100_000,
      dataPath: 'typescript',
      offload: false,
      uses: [],
      workers: 6,
      rssBytes: 45_000_000,
      connected: true,
      state: 'connected',
      underLoad: false,
      listenPort: 40112,
      publicKey: formatKey(key(7)),
      mtu: 1420,
      peers: [
        {
          publicKey: formatKey(key(9)),
          endpoint: '203.0.113.4:51820',
          resolvedFrom: 'vpn.example.com',
          allowedIps: ['0.0.0.0/0'],
          lastHandshakeAgeMs: 12_300,
          rxBytes: 1,
          txBytes: 2,
          persistentKeepaliveSeconds: 25,
          handshakes: 4,
          stagedPackets: 3,
        },
        {
          publicKey: formatKey(key(10)),
          endpoint: null,
          resolvedFrom: null,
          allowedIps: [],
          lastHandshakeAgeMs: null,
          rxBytes: 0,
          txBytes: 0,
          persistentKeepaliveSeconds: null,
          handshakes: 0,
          stagedPackets: 0,
        },
      ],
      drops: { ...createDropCounters(), malformed: 5 },
      udp: {
        closed: 1,
        queueFull: 0,
        portZero: 3,
        sendErrors: {},
        receiveErrors: { ECONNREFUSED: 2 },
      },
      tun: { offloaded: 6, writeErrors: { EIO: 7 } },
      warnings: [],
    });
  });

  it('is read back from the answer as it was written', () => {
    const status = engineStatus(facts);
    const answer = `${formatEngineStatus(status)}errno=0\n\n`;
    expect(parseEngineStatus(answer)).toEqual({ schema: 1, ...status });
    expect(answer).not.toContain(formatKey(key(8)));
  });

  it.each(['errno=-71\n\n', 'status=\nerrno=0\n\n', 'status={"schema":2}\n\n', 'status=null\n\n'])(
    'is not read from %j',
    (answer) => {
      expect(parseEngineStatus(answer)).toBeUndefined();
    },
  );
});
