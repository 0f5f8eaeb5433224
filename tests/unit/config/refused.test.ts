import { describe, expect, test } from 'vitest';
import { PRIVATE_KEY, PUBLIC_KEY, sample, tell } from './sample.ts';

/** A text, the part of it that is wrong, and each message with its place. */
type Case = readonly [title: string, text: string, ...errors: readonly string[]];

/** A line that goes into [Interface], line 4, or [Peer], line 6. */
const device = (line: string): string => sample({ device: line });
const peer = (line: string): string => sample({ peer: line });
const ZERO_KEY = `${'A'.repeat(43)}=`;

function runAll(cases: readonly Case[]): void {
  test.each(cases)('%s', (_, text, ...errors) => {
    expect(tell(text).errors).toEqual(errors.map((error) => `work.conf:${error}`));
  });
}

describe('a name is refused, with its place and the nearest that is known', () => {
  runAll([
    [
      'a key with a letter missing',
      peer('AllowedIP = 0.0.0.0/0'),
      '6:1: unknown key "AllowedIP" (nearest: AllowedIPs); --ignore-unknown skips it',
    ],
    [
      'a key with two letters swapped, behind a tab',
      device('\tLsitenPort = 1'),
      '4:2: unknown key "LsitenPort" (nearest: ListenPort); --ignore-unknown skips it',
    ],
    [
      'a short key with two letters swapped',
      device('DSN = 1.1.1.1'),
      '4:1: unknown key "DSN" (nearest: DNS); --ignore-unknown skips it',
    ],
    [
      'a key that is near to nothing',
      device('IncludedApplications = com.example'),
      '4:1: unknown key "IncludedApplications"; --ignore-unknown skips it',
    ],
    [
      'a short key that is only as long as a known one',
      device('SSH = yes'),
      '4:1: unknown key "SSH"; --ignore-unknown skips it',
    ],
    [
      'a key that the prototype of objects has',
      device('constructor = 1'),
      '4:1: unknown key "constructor"; --ignore-unknown skips it',
    ],
    [
      'a section',
      `${sample({})}[Socks5]\nBindAddress = 127.0.0.1:1080\n`,
      '6:1: unknown section "[Socks5]" (expected [Interface] or [Peer])',
    ],
    [
      'a section without its last bracket',
      `${sample({})}  [Peer\nPublicKey = ${PUBLIC_KEY}\n`,
      '6:3: unknown section "[Peer" (expected [Interface] or [Peer])',
    ],
    ['a key before any section', `MTU = 1280\n${sample({})}`, '1:1: key outside of a section'],
    [
      'a key of a peer in the interface',
      device('PresharedKey = x'),
      '4:1: PresharedKey belongs in [Peer]',
    ],
    ['a key of the interface in a peer', peer('dns = 1.1.1.1'), '6:1: DNS belongs in [Interface]'],
    [
      'a line without an equals sign',
      device('PostUp = iptables -A INPUT \\\n    -j ACCEPT'),
      '5:5: expected KEY = VALUE',
    ],
    ['a line without a key', device(' = 1'), '4:2: expected KEY = VALUE'],
  ]);

  test.each(['Jc', 'jmin', 'Jmax', 'S1', 'S4', 'H1', 'H4', 'I1', 'I5', 'HeaderProtectionKey'])(
    'a key of AmneziaWG: %s',
    (key) => {
      const reason = "a plain WireGuard client can't complete its handshake";
      const expected = [`work.conf:4:1: this is an AmneziaWG config (${key}): ${reason}`];
      expect(tell(device(`${key} = 4\n${key} = 5`)).errors).toEqual(expected);
      expect(tell(device(`${key} = 4`), { ignoreUnknown: true }).errors).toEqual(expected);
    },
  );
});

describe('a key text is refused without any of it', () => {
  const edit = (text: string): string =>
    sample({}).replace(`PrivateKey = ${PRIVATE_KEY}`, `PrivateKey = ${text}`);
  runAll([
    [
      'too short by one',
      edit(PRIVATE_KEY.slice(1)),
      '2:14: PrivateKey is not a WireGuard key (43 characters, expected 44)',
    ],
    ['empty', edit(''), '2:13: PrivateKey is not a WireGuard key (0 characters, expected 44)'],
    [
      'not base64',
      edit(`!${PRIVATE_KEY.slice(1)}`),
      '2:14: PrivateKey is not a WireGuard key (not 32 bytes in base64)',
    ],
    [
      'of 33 bytes, which base64 writes with as many characters',
      edit(`${PRIVATE_KEY.slice(0, 43)}A`),
      '2:14: PrivateKey is not a WireGuard key (not 32 bytes in base64)',
    ],
    [
      'with bits set that no byte has',
      edit(`${PRIVATE_KEY.slice(0, 42)}d=`),
      '2:14: PrivateKey is not a WireGuard key (not 32 bytes in base64)',
    ],
    ['of zeros', edit(ZERO_KEY), '2:14: PrivateKey is not a WireGuard key (all zeros)'],
    [
      'a variable',
      edit('$WG_KEY'),
      '2:14: PrivateKey is not a WireGuard key (7 characters, expected 44); variables are not expanded here',
    ],
    [
      'of a peer',
      peer('PublicKey = x\nPresharedKey = y'),
      '6:13: PublicKey is not a WireGuard key (1 character, expected 44)',
      '7:16: PresharedKey is not a WireGuard key (1 character, expected 44)',
    ],
  ]);
});

describe('an endpoint is refused', () => {
  const example = 'Endpoint needs a port: "vpn.example.com" (for example vpn.example.com:51820)';
  runAll([
    ['without a port', peer('Endpoint = vpn.example.com'), `6:12: ${example}`],
    [
      'with an empty port',
      peer('Endpoint = vpn.example.com:'),
      '6:12: Endpoint needs a port: "vpn.example.com:" (for example vpn.example.com:51820)',
    ],
    [
      'in brackets without a port',
      peer('Endpoint = [2001:db8::1]'),
      '6:12: Endpoint needs a port: "[2001:db8::1]" (for example [2001:db8::1]:51820)',
    ],
    [
      'without brackets',
      peer('Endpoint = 2001:db8::1:51820'),
      '6:12: put an IPv6 address in brackets: [2001:db8::1]:51820',
    ],
    [
      'without brackets and port',
      peer('Endpoint = 2001:db8::1'),
      '6:12: put an IPv6 address in brackets: [2001:db8::1]:51820',
    ],
    [
      'that is a URL',
      peer('Endpoint = https://vpn.example.com:51820'),
      '6:12: Endpoint must be HOST:PORT, not "https://vpn.example.com:51820"',
    ],
    ['with port 0', peer('Endpoint = a:0'), '6:12: the port of Endpoint must be 1 to 65535'],
    [
      'with port 65536',
      peer('Endpoint = a:65536'),
      '6:12: the port of Endpoint must be 1 to 65535',
    ],
    ['with a service', peer('Endpoint = a:https'), '6:12: the port of Endpoint must be 1 to 65535'],
    [
      'with a number too large for an address',
      peer('Endpoint = 203.0.113.256:1'),
      '6:12: "203.0.113.256" is not an IPv4 address',
    ],
    ['with a short address', peer('Endpoint = 10.1:1'), '6:12: "10.1" is not an IPv4 address'],
    [
      'with a zone',
      peer('Endpoint = [fe80::1%eth0]:1'),
      '6:12: "fe80::1%eth0" is not an IPv6 address',
    ],
    ['with a name in brackets', peer('Endpoint = [a]:1'), '6:12: "a" is not an IPv6 address'],
    ['with no host', peer('Endpoint = :51820'), '6:12: "" is not a host name'],
    ['with a host that is none', peer('Endpoint = a/b:1'), '6:12: "a/b" is not a host name'],
    ['that is empty', peer('Endpoint ='), '6:11: Endpoint has no value'],
  ]);
});

describe('an address or a number is refused', () => {
  runAll([
    [
      'a prefix that is too long, at its own column',
      peer('AllowedIPs = ::/0, 10.0.0.0/33'),
      '6:20: "10.0.0.0/33" is not an address range',
    ],
    ['nothing between commas', peer('AllowedIPs = ::/0,'), '6:19: "" is not an address range'],
    ['a name as a range', peer('AllowedIPs = lan'), '6:14: "lan" is not an address range'],
    [
      'a range to take away, which only a set of a running device has',
      peer('AllowedIPs = -10.0.0.0/8'),
      '6:14: "-10.0.0.0/8" is not an address range',
    ],
    ['an address', device('Address = fd00::1::2'), '4:11: "fd00::1::2" is not an address range'],
    [
      'the 65th address',
      device(`Address = ${Array.from({ length: 64 }, (_, i) => `10.3.0.${i}`).join(',')}`),
      '4:11: more than 64 addresses',
    ],
    ['a server', device('DNS = 1.1.1'), '4:7: "1.1.1" is not an address or a domain'],
    ['a domain', device('DNS = 1.1.1.1, a..b'), '4:16: "a..b" is not an address or a domain'],
    ['a small MTU', device('MTU = 575'), '4:7: MTU must be 576 to 65535'],
    ['a large MTU', device('MTU = 65536'), '4:7: MTU must be 576 to 65535'],
    ['an empty MTU', device('MTU ='), '4:6: MTU must be 576 to 65535'],
    ['a port', device('ListenPort = 65536'), '4:14: ListenPort must be 0 to 65535'],
    ['a negative port', device('ListenPort = -1'), '4:14: ListenPort must be 0 to 65535'],
    ['a port in hexadecimal', device('ListenPort = 0x10'), '4:14: ListenPort must be 0 to 65535'],
    [
      'an interval',
      peer('PersistentKeepalive = 65536'),
      '6:23: PersistentKeepalive must be 0 to 65535, or off',
    ],
    [
      'a mark',
      device('FwMark = 4294967296'),
      '4:10: FwMark must be a number up to 0xffffffff, or off',
    ],
    ['a table', device('Table = main'), '4:9: Table must be a number, auto or off'],
    ['a boolean', device('SaveConfig = yes'), '4:14: SaveConfig must be true or false'],
    ...['1,2', '1,2,3,4', '1,2,256', 'AAA', 'AAAAA', '[1,2,3]'].map((text): Case => [
      `reserved bytes: ${text}`,
      peer(`Reserved = ${text}`),
      '6:12: Reserved must be three numbers 0 to 255 (a,b,c), or 3 bytes in base64',
    ]),
  ]);
});

describe('what is missing is refused', () => {
  runAll([
    ['everything', '', '1:1: no [Interface]', '1:1: no [Peer]'],
    [
      'everything in two sections',
      '\n [Interface]\n[Peer]\n',
      '2:2: [Interface] has no PrivateKey',
      '2:2: [Interface] has no Address',
      '3:1: [Peer] has no PublicKey',
    ],
    [
      'the addresses in a list of none',
      sample({}).replace('10.2.0.2/32', ','),
      '1:1: [Interface] has no Address',
    ],
    [
      'the peers, seen at the end',
      sample({}).replace(/\[Peer\][^]*/, '# the end\n'),
      '4:1: no [Peer]',
    ],
    [
      'the public key of the second peer only',
      sample({ peer: '[Peer]\nAllowedIPs = ::/0' }),
      '6:1: [Peer] has no PublicKey',
    ],
  ]);
});

describe('all errors of a file', () => {
  test('are shown at once, in the order of the file', () => {
    const text = sample({ device: 'MTU = 1\nnonsense\nDsn = x', peer: 'Endpoint = a' });
    expect(tell(text).errors.map((error) => error.slice(0, 'work.conf:0:0'.length))).toEqual([
      'work.conf:4:7',
      'work.conf:5:1',
      'work.conf:6:1',
      'work.conf:9:1',
    ]);
  });

  test('are the first twenty where there are more', () => {
    const lines = Array.from({ length: 1000 }, () => 'nonsense').join('\n');
    const { errors } = tell(sample({ device: lines }));
    expect(errors).toEqual(
      Array.from({ length: 20 }, (_, index) => `work.conf:${index + 4}:1: expected KEY = VALUE`),
    );
  });
});
