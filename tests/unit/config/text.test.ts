import { describe, expect, test } from 'vitest';
import { formatPrefix } from '../../../src/ip.ts';
import { accept, describeConfig, PRIVATE_KEY, PUBLIC_KEY, sample, tell } from './sample.ts';

const encoder = new TextEncoder();
const FULL = sample({
  device: 'DNS = 10.2.0.1, corp.example\nMTU = 1380\nListenPort = 51820',
  peer: 'AllowedIPs = 0.0.0.0/0, ::/0\nEndpoint = [2001:db8::1]:51820\nPersistentKeepalive = 25',
});
const meaning = describeConfig(accept(FULL));

describe('a file means the same', () => {
  test.each<[string, (text: string) => string]>([
    ['with a byte order mark', (text) => `\ufeff${text}`],
    ['with CRLF', (text) => text.replaceAll('\n', '\r\n')],
    ['with CR', (text) => text.replaceAll('\n', '\r')],
    ['without its last line end', (text) => text.trimEnd()],
    ['with names in capitals', (text) => text.replace(/^[^=]+/gm, (name) => name.toUpperCase())],
    [
      'with names in small letters',
      (text) => text.replace(/^[^=]+/gm, (name) => name.toLowerCase()),
    ],
    ['without space', (text) => text.replaceAll(' ', '')],
    ['with tabs', (text) => text.replaceAll(' ', '\t\t').replace(/^/gm, '\t').replace(/$/gm, '\t')],
    ['with no-break spaces', (text) => text.replaceAll(' ', '\u00a0')],
    [
      'with space inside of names',
      (text) => text.replace('Private', 'Private ').replace('[', '[ '),
    ],
    ['with comments behind each line', (text) => text.replace(/$/gm, ' # [Peer] a = b')],
    ['with comments between the lines', (text) => text.replaceAll('\n', '\n#x\n  # y = z\n\n')],
    ['with empty lines', (text) => text.replaceAll('\n', '\n\n  \n')],
    ['with each list in two lines', (text) => text.replace(/^(\S+ = )(.*), (.*)$/gm, '$1$2\n$1$3')],
    [
      'with its peer first',
      (text) => text.slice(text.indexOf('[Peer]')) + text.replace(/\[Peer\][^]*/, ''),
    ],
    ['with a section [Interface] for each half', (text) => text.replace('DNS', '[Interface]\nDNS')],
  ])('%s', (_, change) => {
    const changed = change(FULL);
    expect(changed).not.toBe(FULL);
    expect(describeConfig(accept(changed))).toEqual(meaning);
  });
});

describe('a value is text', () => {
  // What a generic reader of such files would take for quotes, comments, booleans, or escapes.
  test.each([
    '"a"',
    "'a'",
    'a;b',
    '; a',
    'a\\;b',
    'a\\',
    'true',
    'null',
    '',
    'a=b',
    '[a]',
    'a\u2028b',
  ])('such as %j after PostUp, which is nothing but ignored', (value) => {
    expect(tell(sample({ device: `PostUp = ${value}` }))).toMatchObject({
      errors: [],
      warnings: ['work.conf:4: PostUp ignored: wg-wrap never runs commands from a config'],
    });
  });

  test.each(['"1380"', "'1380'", '1380;', '\\1380', 'true', '1380 = 1'])(
    'so that %s is no MTU',
    (value) => {
      expect(tell(sample({ device: `MTU = ${value}` })).errors).toEqual([
        'work.conf:4:7: MTU must be 576 to 65535',
      ]);
    },
  );

  test.each([
    '"MTU" = 1380',
    "'MTU' = 1380",
    'MTU[] = 1380',
    '\\MTU = 1380',
    ';MTU = 1380',
    '__proto__ = 1',
  ])('and %s names no key that is known', (line) => {
    const { errors } = tell(sample({ device: line }));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain('work.conf:4:1: unknown key');
  });

  test.each(['\\;a\\', '\\\\', ';', '"a;b"', 'true', 'a=b'])(
    'such as %s, quoted as it was',
    (value) => {
      expect(tell(sample({ peer: `AllowedIPs = ${value}` })).errors).toEqual([
        `work.conf:6:14: "${value}" is not an address range`,
      ]);
    },
  );

  test('with space anywhere, as wg takes it out', () => {
    const text = sample({
      device: 'Listen Port = 5 1 8 2 0\nFwMark = 0x ff',
      peer: 'AllowedIPs = 10.0.0.0 / 8 , fd00 :: / 8\nEndpoint = vpn . example : 51820\nPersistentKeepalive = O F F',
    }).replace(PRIVATE_KEY, PRIVATE_KEY.replace(/(.{8})/g, '$1 '));
    const { interface: device, peers } = accept(text);
    expect(device.listenPort).toBe(51820);
    expect(peers[0].allowedIPs.map(formatPrefix)).toEqual(['10.0.0.0/8', 'fd00::/8']);
    expect(peers[0].endpoint).toEqual({ host: 'vpn.example', port: 51820, line: 9 });
  });

  test('with commas, space or both between addresses, as wg-quick splits them', () => {
    const text = sample({
      device: 'Address = fd00::2/64 10.3.0.1/24 ,, 10.4.0.1,\nDNS = 1.1.1.1 a.example',
    });
    const { addresses, dnsServers, searchDomains } = accept(text).interface;
    const texts = ['10.2.0.2/32', 'fd00::2/64', '10.3.0.1/24', '10.4.0.1/32'];
    expect(addresses.map(formatPrefix)).toEqual(texts);
    expect(dnsServers.map(String)).toEqual(['1,1,1,1']);
    expect(searchDomains).toEqual(['a.example']);
  });
});

describe('the values of a peer', () => {
  test('keep host bits nowhere, and the family of a mapped address', () => {
    const text = sample({
      peer: 'AllowedIPs = 192.168.7.9/20, 2001:db8:ffff::1/33, ::ffff:1.2.3.4/128',
    });
    expect(accept(text).peers[0].allowedIPs.map(formatPrefix)).toEqual([
      '192.168.0.0/20',
      '2001:db8:8000::/33',
      '::ffff:102:304/128',
    ]);
  });

  test.each([
    ['vpn.example.com:51820', 'vpn.example.com', 51820],
    ['host_with-all.1x.example.:1', 'host_with-all.1x.example.', 1],
    ['203.0.113.4:65535', '203.0.113.4', 65535],
    ['[2001:DB8:0:0::1]:51820', '2001:db8::1', 51820],
  ])('have an endpoint %s', (text, host, port) => {
    expect(accept(sample({ peer: `Endpoint = ${text}` })).peers[0].endpoint).toEqual({
      host,
      port,
      line: 6,
    });
  });

  test('have no endpoint, keepalive or preshared key unless given', () => {
    const zeros = 'A'.repeat(43) + '=';
    expect(accept(sample({ peer: `PresharedKey = ${zeros}` })).peers).toEqual([
      {
        publicKey: expect.any(Uint8Array) as Uint8Array,
        allowedIPs: [],
        persistentKeepaliveSeconds: 0,
        line: 4,
      },
    ]);
  });
});

describe('a file is not read', () => {
  const [low, high] = [0, 8].map((shift) =>
    Uint8Array.from(
      Array.from(`\ufeff${FULL}`).flatMap((character) => {
        const unit = character.charCodeAt(0);
        return shift === 0 ? [unit & 0xff, unit >> 8] : [unit >> 8, unit & 0xff];
      }),
    ),
  );
  const umlaut = encoder.encode('\u00fc');
  test.each<[string, Uint8Array, string]>([
    ['in UTF-16, little end first', low, 'work.conf is UTF-16; save it as UTF-8'],
    ['in UTF-16, big end first', high, 'work.conf is UTF-16; save it as UTF-8'],
    ['in UTF-16 without a mark', low.subarray(2), 'work.conf is UTF-16; save it as UTF-8'],
    [
      'in UTF-16 without a mark, big end first',
      high.subarray(2),
      'work.conf is UTF-16; save it as UTF-8',
    ],
    ['with a zero byte', encoder.encode(`${FULL}\0`), 'work.conf is not a text file'],
    [
      'in Latin-1, by its first line that shows it',
      Uint8Array.from([
        ...encoder.encode('# \ufffd\r\n#'),
        ...umlaut,
        0x0d,
        0x0a,
        0x23,
        0xfc,
        0x0a,
        0xfc,
      ]),
      'work.conf:3:1: not UTF-8 text; save the file as UTF-8',
    ],
    [
      'cut within its last character',
      encoder.encode(`${FULL}# \u00fc`).subarray(0, -1),
      `work.conf:${FULL.split('\n').length}:1: not UTF-8 text; save the file as UTF-8`,
    ],
    [
      'of more than 1 MiB',
      encoder.encode(`${FULL}#${'x'.repeat(1 << 20)}`),
      'work.conf is not a config (larger than 1 MiB)',
    ],
  ])('%s', (_, bytes, error) => {
    expect(tell(bytes).errors).toEqual([error]);
  });

  test('but up to 1 MiB it is', () => {
    const bytes = encoder.encode(`${FULL}#`.padEnd(1 << 20, 'x'));
    expect(describeConfig(accept(bytes))).toEqual(meaning);
  });

  test('and a view of a larger buffer is read within its bounds', () => {
    const bytes = encoder.encode(`XX${sample({})}YY`);
    expect(describeConfig(accept(bytes.subarray(2, -2)))).toMatchObject({
      peers: [{ publicKey: PUBLIC_KEY }],
    });
  });
});
