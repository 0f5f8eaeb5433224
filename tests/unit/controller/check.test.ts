import { describe, expect, it } from 'vitest';
import { check, formatCheck } from '../../../src/controller/check.ts';
import { parseAddress } from '../../../src/ip.ts';
import { formatKey } from '../../../src/key.ts';
import { x25519 } from '../../../src/wireguard/x25519.ts';

const key = (byte: number): string => formatKey(new Uint8Array(32).fill(byte));
const file = (text: string): { readonly shown: string; readonly bytes: Uint8Array } => ({
  shown: 'work.conf',
  bytes: new TextEncoder().encode(text),
});

const GOOD = `[Interface]
PrivateKey = ${key(7)}
Address = 10.2.0.2/32
DNS = 10.2.0.1, corp.example
Table = off

[Peer]
PublicKey = ${key(9)}
PresharedKey = ${key(8)}
AllowedIPs = 0.0.0.0/0
Endpoint = [2001:db8::1]:51820
PersistentKeepalive = 25

[Peer]
PublicKey = ${key(10)}
AllowedIPs = 10.3.0.0/16
`;
const OUR_KEY = formatKey(x25519.publicKey(new Uint8Array(32).fill(7)));

describe('a configuration that is checked', () => {
  it('is told as values', () => {
    expect(check(file(GOOD), false, [])).toEqual({
      schema: 1,
      ok: true,
      errors: [],
      warnings: [],
      notes: [
        {
          line: 5,
          column: 0,
          message: 'Table has no meaning here: the routes are the AllowedIPs',
        },
      ],
      interface: { public_key: OUR_KEY, addresses: ['10.2.0.2/32'], listen_port: 0 },
      peers: [
        {
          public_key: key(9),
          preshared_key: true,
          endpoint: '[2001:db8::1]:51820',
          allowed_ips: ['0.0.0.0/0'],
          persistent_keepalive_s: 25,
        },
        {
          public_key: key(10),
          preshared_key: false,
          endpoint: null,
          allowed_ips: ['10.3.0.0/16'],
          persistent_keepalive_s: null,
        },
      ],
      routes: [
        { destination: '0.0.0.0/0', peer: key(9) },
        { destination: '10.3.0.0/16', peer: key(10) },
      ],
      dns: { mode: 'tunnel', servers: ['10.2.0.1'], search: ['corp.example'] },
      mtu: null,
    });
  });

  it('is told as text', () => {
    expect(formatCheck('work.conf', check(file(GOOD), false, []))).toBe(
      [
        'work.conf: good',
        `  public key  ${OUR_KEY}`,
        '  addresses   10.2.0.2/32',
        '  mtu         that of the route to the endpoint less 80, 1280 to 1420',
        '  dns         10.2.0.1, corp.example',
        `  peer        ${key(9)}`,
        '              [2001:db8::1]:51820',
        `  peer        ${key(10)}`,
        '              no endpoint: it has to speak first',
        '  route       0.0.0.0/0 through CQkJ…JCQk (all of IPv4)',
        '  route       10.3.0.0/16 through CgoK…KCgo',
        '  route       none for IPv6: unreachable inside',
        '  note        work.conf:5: Table has no meaning here: the routes are the AllowedIPs',
        '',
      ].join('\n'),
    );
  });

  it('holds no secret in what is told', () => {
    const report = check(file(GOOD), false, []);
    for (const text of [JSON.stringify(report), formatCheck('work.conf', report)]) {
      for (const byte of [7, 8]) expect(text).not.toContain(key(byte).slice(0, 40));
    }
  });

  it('has its own MTU, and a route for a server that no peer has', () => {
    const one = GOOD.slice(0, GOOD.lastIndexOf('[Peer]'))
      .replace('0.0.0.0/0', 'fd00::/64')
      .replace('Table = off', 'MTU = 1300');
    const report = check(file(one), false, []);
    expect(report.mtu).toBe(1300);
    expect(report.routes?.map(({ destination }) => destination)).toEqual([
      'fd00::/64',
      '10.2.0.1/32',
    ]);
    expect(report.warnings.map(({ message }) => message)).toEqual([
      'DNS server 10.2.0.1 is not in AllowedIPs; sending 10.2.0.1/32 to the only peer',
    ]);
    expect(formatCheck('work.conf', report)).toContain('  mtu         1300\n');
  });

  it('has all its errors with their places', () => {
    const report = check(file(GOOD.replace('10.2.0.2/32', '10.2.0.2/33')), false, []);
    expect(report).toMatchObject({ ok: false, interface: null, peers: null, routes: null });
    expect(report.errors).toEqual([
      { line: 3, column: 11, message: '"10.2.0.2/33" is not an address range' },
    ]);
  });

  it('is refused where names could not be resolved inside', () => {
    const text = GOOD.replace('DNS = 10.2.0.1, corp.example\n', '');
    const report = check(file(text), false, [parseAddress('192.168.1.1')!]);
    expect(report.ok).toBe(false);
    expect(report.errors).toEqual([
      {
        line: 0,
        column: 0,
        message:
          "work.conf has no DNS=, and this host's resolver 192.168.1.1 can't be reached through the tunnel; use --dns ADDR or --dns none",
      },
    ]);
  });

  it('may have keys that nobody knows, if that is asked for', () => {
    const text = GOOD.replace('Table = off', 'Colour = red');
    expect(check(file(text), false, []).ok).toBe(false);
    expect(check(file(text), true, []).ok).toBe(true);
  });
});
