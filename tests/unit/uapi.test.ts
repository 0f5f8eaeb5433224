import { describe, expect, test } from 'vitest';
import { formatHex } from '../../src/bytes.ts';
import {
  formatPrefix,
  formatSocketAddress,
  parsePrefix,
  parseSocketAddress,
} from '../../src/ip.ts';
import {
  formatEndpoint,
  formatErrno,
  formatSet,
  parseErrno,
  parseSet,
  UAPI_ERRNO,
  UAPI_MAX_PEERS,
  type UapiSet,
} from '../../src/uapi.ts';

const key = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const hex = (byte: number): string => formatHex(key(byte));

/** As wg(8) 1.0.20210914 wrote it for `wg setconf`, with other keys. */
const FROM_WG = `set=1
private_key=${hex(0x11)}
listen_port=51820
fwmark=51820
replace_peers=true
public_key=${hex(0x22)}
preshared_key=${hex(0x33)}
endpoint=203.0.113.4:51820
persistent_keepalive_interval=25
replace_allowed_ips=true
allowed_ip=10.0.0.0/8
allowed_ip=fd00::/8
public_key=${hex(0x44)}
endpoint=[2001:db8::1]:1234
replace_allowed_ips=true

`;

const set = (...lines: string[]): ReturnType<typeof parseSet> =>
  parseSet(`set=1\n${lines.join('\n')}\n\n`);
const setPeer = (...lines: string[]): ReturnType<typeof parseSet> =>
  set(`public_key=${hex(1)}`, ...lines);

function accept(result: ReturnType<typeof parseSet>): UapiSet {
  if (!result.ok) throw new Error(`errno ${result.errno} at line ${result.line}`);
  return result.set;
}

describe('a request as wg writes it', () => {
  test('is understood', () => {
    const request = accept(parseSet(FROM_WG));
    const [first, second] = request.peers;
    expect(request).toMatchObject({ listenPort: 51820, fwmark: 51820, replacePeers: true });
    expect(request.privateKey).toEqual(key(0x11));
    expect(first.publicKey).toEqual(key(0x22));
    expect(first.presharedKey).toEqual(key(0x33));
    expect(formatSocketAddress(first.endpoint!)).toBe('203.0.113.4:51820');
    expect(first).toMatchObject({ persistentKeepaliveSeconds: 25, replaceAllowedIPs: true });
    expect(first.allowedIPs?.map(({ prefix }) => formatPrefix(prefix))).toEqual([
      '10.0.0.0/8',
      'fd00::/8',
    ]);
    expect(formatSocketAddress(second.endpoint!)).toBe('[2001:db8::1]:1234');
    expect(second.allowedIPs).toBeUndefined();
  });

  test('is written as it was read', () => {
    expect(formatSet(accept(parseSet(FROM_WG)))).toBe(FROM_WG);
  });

  test('has every key written where it has a value', () => {
    const request: UapiSet = {
      replacePeers: false,
      peers: [
        { publicKey: key(1), remove: true },
        {
          publicKey: key(2),
          updateOnly: true,
          presharedKey: key(0),
          endpoint: parseSocketAddress('10.0.0.1:1')!,
          persistentKeepaliveSeconds: 0,
          allowedIPs: [
            { prefix: parsePrefix('10.0.0.0/8')!, remove: true },
            { prefix: parsePrefix('::/0')! },
          ],
        },
      ],
    };
    expect(formatSet(request)).toBe(
      [
        'set=1',
        `public_key=${hex(1)}`,
        'remove=true',
        `public_key=${hex(2)}`,
        'update_only=true',
        `preshared_key=${hex(0)}`,
        'endpoint=10.0.0.1:1',
        'persistent_keepalive_interval=0',
        'allowed_ip=-10.0.0.0/8',
        'allowed_ip=::/0',
        '\n',
      ].join('\n'),
    );
    expect(accept(parseSet(formatSet(request)))).toEqual(request);
  });
});

describe('a request', () => {
  test('of nothing changes nothing', () => {
    expect(accept(parseSet('set=1\n\n'))).toEqual({ replacePeers: false, peers: [] });
    expect(accept(parseSet('set=1'))).toEqual({ replacePeers: false, peers: [] });
  });

  test('ends at its empty line', () => {
    expect(accept(parseSet('set=1\nlisten_port=1\n\nnonsense\n\n')).listenPort).toBe(1);
  });

  test('cuts off host bits', () => {
    const [peer] = accept(setPeer('allowed_ip=10.1.2.3/8', 'allowed_ip=-fd00::1/8')).peers;
    expect(peer.allowedIPs?.map(({ prefix }) => formatPrefix(prefix))).toEqual([
      '10.0.0.0/8',
      'fd00::/8',
    ]);
    expect(peer.allowedIPs?.map(({ remove }) => remove)).toEqual([undefined, true]);
  });

  test('that removes allowed IPs undoes what it gave before', () => {
    const lines = ['allowed_ip=10.0.0.0/8', 'replace_allowed_ips=true', 'allowed_ip=::/0'];
    const [peer] = accept(setPeer(...lines)).peers;
    expect(peer.replaceAllowedIPs).toBe(true);
    expect(peer.allowedIPs?.map(({ prefix }) => formatPrefix(prefix))).toEqual(['::/0']);
  });

  test('may name a peer twice, in order', () => {
    const { peers } = accept(setPeer('remove=true', `public_key=${hex(1)}`, 'protocol_version=1'));
    expect(peers).toEqual([{ publicKey: key(1), remove: true }, { publicKey: key(1) }]);
  });

  test.each([
    'listen_port=0',
    'listen_port=65535',
    'fwmark=4294967295',
    `private_key=${hex(0xab).toUpperCase()}`,
  ])('may say %s of the device', (line) => {
    expect(set(line).ok).toBe(true);
  });
});

describe('a request is invalid, with the line', () => {
  test.each([
    'listen_port=65536',
    'listen_port=-1',
    'listen_port=',
    'listen_port=1e3',
    'listen_port= 1',
    'fwmark=4294967296',
    'fwmark=0x10',
    'replace_peers=false',
    'replace_peers=1',
    `private_key=${hex(1).slice(2)}`,
    `private_key=${hex(1)}00`,
    `private_key=${'g'.repeat(64)}`,
    `public_key=${hex(1).slice(1)}`,
    'public_key=',
    'preshared_key=x',
    'remove=true',
    'allowed_ip=::/0',
    'rx_bytes=1',
    'constructor=1',
    '__proto__=1',
    '=1',
    'Listen_port=1',
    'set=1',
  ])('by "%s" of the device', (line) => {
    expect(set('fwmark=1', line)).toEqual({ ok: false, errno: UAPI_ERRNO.invalid, line: 3 });
  });

  test.each([
    'remove=false',
    'update_only=yes',
    'replace_allowed_ips=',
    'preshared_key=00',
    'endpoint=vpn.example.com:1',
    'endpoint=10.0.0.1',
    'endpoint=2001:db8::1:1',
    'endpoint=10.0.0.1:0',
    'persistent_keepalive_interval=65536',
    'persistent_keepalive_interval=off',
    'allowed_ip=10.0.0.0/33',
    'allowed_ip=--10.0.0.0/8',
    'allowed_ip=',
    'protocol_version=2',
    'listen_port=1',
    'replace_peers=true',
    `private_key=${hex(1)}`,
    'nonsense=1',
  ])('by "%s" of a peer', (line) => {
    expect(setPeer('protocol_version=1', line)).toEqual({
      ok: false,
      errno: UAPI_ERRNO.invalid,
      line: 4,
    });
  });

  test('by a peer too many', () => {
    const line = `public_key=${hex(1)}\n`;
    expect(parseSet(`set=1\n${line.repeat(UAPI_MAX_PEERS)}`).ok).toBe(true);
    expect(parseSet(`set=1\n${line.repeat(UAPI_MAX_PEERS + 1)}`)).toEqual({
      ok: false,
      errno: UAPI_ERRNO.invalid,
      line: UAPI_MAX_PEERS + 2,
    });
  });
});

describe('the endpoint of a link-local peer', () => {
  const endpoint = (text: string) => {
    const parsed = setPeer(`endpoint=${text}`);
    return parsed.ok ? parsed.set.peers[0]?.endpoint : undefined;
  };

  test('keeps its zone, to the text and back', () => {
    const text = '[fe80::1%eth0]:51820';
    expect(endpoint(text)).toMatchObject({ port: 51820, zone: 'eth0' });
    expect(formatEndpoint(endpoint(text)!)).toBe(text);
    expect(formatEndpoint(endpoint('[fe80::1]:51820')!)).toBe('[fe80::1]:51820');
  });

  test.each([
    '[2001:db8::1%eth0]:1',
    '[fe80::1%]:1',
    '[fe80::1%a/b]:1',
    '1.2.3.4%eth0:1',
    '[fe80::1%sixteen-letters-]:1',
  ])('is refused as %s', (text) => {
    expect(endpoint(text)).toBeUndefined();
  });
});

describe('a request is no request', () => {
  test.each([
    ['', 1],
    ['\n', 1],
    ['get=1\n\n', 1],
    ['set=2\n\n', 1],
    ['set=1\nlisten_port\n\n', 2],
  ])('as %j', (text, line) => {
    expect(parseSet(text)).toEqual({ ok: false, errno: UAPI_ERRNO.protocol, line });
  });
});

describe('the end of an answer', () => {
  test.each(Object.values(UAPI_ERRNO))('with errno %i is read as it was written', (errno) => {
    expect(formatErrno(errno)).toBe(`errno=${errno}\n\n`);
    expect(parseErrno(formatErrno(errno))).toBe(errno);
    expect(parseErrno(`listen_port=1\n${formatErrno(errno)}`)).toBe(errno);
  });

  test('with another errno is a failure all the same', () => {
    expect(parseErrno('errno=-13\n\n')).toBe(UAPI_ERRNO.inputOutput);
  });

  test('is missing in an answer that broke off', () => {
    expect(parseErrno('listen_port=1\n')).toBe(UAPI_ERRNO.protocol);
    expect(parseErrno('')).toBe(UAPI_ERRNO.protocol);
  });
});
