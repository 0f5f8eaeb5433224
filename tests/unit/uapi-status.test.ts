import { describe, expect, test } from 'vitest';
import { formatHex } from '../../src/bytes.ts';
import { parsePrefix, parseSocketAddress } from '../../src/ip.ts';
import { formatGet, parseGet, type UapiStatus } from '../../src/uapi-status.ts';
import { UAPI_ERRNO } from '../../src/uapi.ts';

const key = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const hex = (byte: number): string => formatHex(key(byte));

const STATUS: UapiStatus = {
  privateKey: key(0x11),
  listenPort: 51820,
  fwmark: 7,
  peers: [
    {
      publicKey: key(0x22),
      presharedKey: key(0x33),
      endpoint: parseSocketAddress('[2001:db8::1]:51820')!,
      lastHandshakeTime: { seconds: 1700000000, nanoseconds: 16777216 },
      rxBytes: 2 ** 53 - 1,
      txBytes: 1,
      persistentKeepaliveSeconds: 25,
      allowedIPs: [parsePrefix('10.0.0.0/8')!, parsePrefix('::/0')!],
    },
    {
      publicKey: key(0x44),
      rxBytes: 0,
      txBytes: 0,
      persistentKeepaliveSeconds: 0,
      allowedIPs: [],
    },
  ],
};

const TEXT = `private_key=${hex(0x11)}
listen_port=51820
fwmark=7
public_key=${hex(0x22)}
preshared_key=${hex(0x33)}
protocol_version=1
endpoint=[2001:db8::1]:51820
last_handshake_time_sec=1700000000
last_handshake_time_nsec=16777216
tx_bytes=1
rx_bytes=9007199254740991
persistent_keepalive_interval=25
allowed_ip=10.0.0.0/8
allowed_ip=::/0
public_key=${hex(0x44)}
preshared_key=${hex(0)}
protocol_version=1
last_handshake_time_sec=0
last_handshake_time_nsec=0
tx_bytes=0
rx_bytes=0
persistent_keepalive_interval=0
errno=0

`;

describe('a state with its secrets', () => {
  test('is written in the order of wireguard-go', () => {
    expect(formatGet(STATUS, { secrets: true })).toBe(TEXT);
  });

  test('is read as it was', () => {
    expect(parseGet(TEXT)).toEqual({ ok: true, status: STATUS });
  });
});

describe('a state without its secrets', () => {
  const text = formatGet(STATUS, { secrets: false });

  test('holds none, and has zeros for preshared keys', () => {
    expect(text).not.toContain('private_key');
    expect(text).not.toContain(hex(0x11).slice(0, 8));
    expect(text).not.toContain(hex(0x33).slice(0, 8));
    expect(text.match(new RegExp(`^preshared_key=${hex(0)}$`, 'gm'))).toHaveLength(2);
  });

  test('is otherwise the same', () => {
    const result = parseGet(text);
    const peers = STATUS.peers.map((peer) => ({ ...peer, presharedKey: undefined }));
    expect(result).toEqual({ ok: true, status: { ...STATUS, privateKey: undefined, peers } });
  });
});

describe('an answer', () => {
  test('of an empty device has no more than its end', () => {
    expect(formatGet({ peers: [] }, { secrets: true })).toBe('errno=0\n\n');
    expect(parseGet('errno=0\n\n')).toEqual({ ok: true, status: { peers: [] } });
  });

  test('takes zeros for a key that is absent', () => {
    const text = `private_key=${hex(0)}\nerrno=0\n\n`;
    expect(parseGet(text)).toEqual({ ok: true, status: { peers: [] } });
  });

  test('may have keys that nobody knows, of the device and of a peer', () => {
    const text = TEXT.replace('fwmark=7', 'fwmark=7\ncolour=blue').replace(
      'rx_',
      'last_seen=9\nrx_',
    );
    expect(parseGet(text)).toEqual({ ok: true, status: STATUS });
  });

  test.each(Object.values(UAPI_ERRNO).filter((errno) => errno !== 0))(
    'with errno %i is a failure',
    (errno) => {
      expect(parseGet(`listen_port=1\nerrno=${errno}\n\n`)).toEqual({ ok: false, errno, line: 0 });
    },
  );

  test('that broke off is none', () => {
    expect(parseGet('listen_port=1\n')).toEqual({
      ok: false,
      errno: UAPI_ERRNO.protocol,
      line: 2,
    });
    expect(parseGet('listen_port')).toEqual({ ok: false, errno: UAPI_ERRNO.protocol, line: 1 });
  });

  test.each([
    ['fwmark=7', 'fwmark=x'],
    ['fwmark=7', 'listen_port=70000'],
    [`private_key=${hex(0x11)}`, 'private_key=11'],
    [`public_key=${hex(0x22)}`, 'public_key=22'],
    [`preshared_key=${hex(0x33)}`, 'preshared_key='],
    ['tx_bytes=1', 'tx_bytes=-1'],
    ['rx_bytes=9007199254740991', 'rx_bytes=9007199254740992'],
    ['last_handshake_time_sec=1700000000', 'last_handshake_time_sec=soon'],
    ['last_handshake_time_nsec=16777216', 'last_handshake_time_nsec=1000000000'],
    ['persistent_keepalive_interval=25', 'persistent_keepalive_interval=65536'],
    ['endpoint=[2001:db8::1]:51820', 'endpoint=vpn'],
    ['allowed_ip=::/0', 'allowed_ip=::/129'],
  ])('with %s made %s is invalid', (good, bad) => {
    const line = TEXT.split('\n').indexOf(good) + 1;
    expect(line).toBeGreaterThan(0);
    expect(parseGet(TEXT.replace(good, bad))).toEqual({
      ok: false,
      errno: UAPI_ERRNO.invalid,
      line,
    });
  });
});
