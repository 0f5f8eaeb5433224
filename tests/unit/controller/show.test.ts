import { describe, expect, it } from 'vitest';
import { formatDump, formatShow } from '../../../src/controller/show.ts';
import { parsePrefix, parseSocketAddress } from '../../../src/ip.ts';
import { formatKey } from '../../../src/key.ts';
import type { UapiPeerStatus } from '../../../src/uapi-status.ts';

const key = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

const peer = (byte: number, more: Partial<UapiPeerStatus> = {}): UapiPeerStatus => ({
  publicKey: key(byte),
  rxBytes: 0,
  txBytes: 0,
  persistentKeepaliveSeconds: 0,
  allowedIPs: [],
  ...more,
});

const NOW = 1_800_000_000;

describe('show', () => {
  it('prints an interface and a peer as wg(8) does', () => {
    const status = {
      ownPublicKey: key(1),
      listenPort: 51820,
      peers: [
        peer(2, {
          endpoint: parseSocketAddress('[2001:db8::1]:51820'),
          allowedIPs: [parsePrefix('10.0.0.0/8')!, parsePrefix('fd00::/64')!],
          lastHandshakeTime: { seconds: NOW - 3723, nanoseconds: 0 },
          rxBytes: 1536,
          txBytes: 100,
          persistentKeepaliveSeconds: 25,
        }),
      ],
    };
    expect(formatShow('work', status, NOW)).toBe(
      [
        'interface: work',
        `  public key: ${formatKey(key(1))}`,
        '  private key: (hidden)',
        '  listening port: 51820',
        '',
        `peer: ${formatKey(key(2))}`,
        '  endpoint: [2001:db8::1]:51820',
        '  allowed ips: 10.0.0.0/8, fd00::/64',
        '  latest handshake: 1 hour, 2 minutes, 3 seconds ago',
        '  transfer: 1.50 KiB received, 100 B sent',
        '  persistent keepalive: every 25 seconds',
        '',
      ].join('\n'),
    );
  });

  it('says nothing of what never happened', () => {
    expect(formatShow('work', { peers: [peer(2)] }, NOW)).toBe(
      [
        'interface: work',
        '  private key: (hidden)',
        '',
        `peer: ${formatKey(key(2))}`,
        '  allowed ips: (none)',
        '',
      ].join('\n'),
    );
  });

  it('has the peer with the latest handshake first', () => {
    const at = (seconds: number) => ({ lastHandshakeTime: { seconds, nanoseconds: 0 } });
    const peers = [peer(2, at(NOW - 60)), peer(3), peer(4, at(NOW))];
    const text = formatShow('work', { peers }, NOW);
    const order = [4, 2, 3].map((byte) => text.indexOf(formatKey(key(byte))));
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(text).toContain('latest handshake: Now');
    expect(text).toContain('latest handshake: 1 minute ago');
  });

  it.each([
    [1023, '1023 B'],
    [1024, '1.00 KiB'],
    [5 << 20, '5.00 MiB'],
    [3 * 2 ** 30, '3.00 GiB'],
    [2 * 2 ** 40, '2.00 TiB'],
  ])('prints %i bytes as %s', (rxBytes, text) => {
    expect(formatShow('work', { peers: [peer(2, { rxBytes })] }, NOW)).toContain(
      `${text} received, 0 B sent`,
    );
  });

  it('dumps fields between tabs, and no secret', () => {
    const status = { ownPublicKey: key(1), listenPort: 7, peers: [peer(2, { rxBytes: 5 })] };
    expect(formatDump(status)).toBe(
      `(hidden)\t${formatKey(key(1))}\t7\toff\n` +
        `${formatKey(key(2))}\t(hidden)\t(none)\t(none)\t0\t5\t0\toff\n`,
    );
  });
});
