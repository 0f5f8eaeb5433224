import { describe, expect, it } from 'vitest';
import { parseConfig, type Config } from '../../../src/config/config.ts';
import type { DnsDecision } from '../../../src/controller/dns.ts';
import { makePlan, type PlanFacts } from '../../../src/controller/plan.ts';
import { decodeEngineConfiguration } from '../../../src/engine-configuration.ts';
import { WgWrapError } from '../../../src/errors.ts';
import { formatPrefix, parseAddress, parsePrefix, parseSocketAddress } from '../../../src/ip.ts';
import { formatKey, parseKey } from '../../../src/key.ts';
import { parseSet } from '../../../src/uapi.ts';

const key = (byte: number): string => formatKey(new Uint8Array(32).fill(byte));

const parsed = (text: string): Config => {
  const result = parseConfig(new TextEncoder().encode(text));
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.config;
};

const config = parsed(`[Interface]
PrivateKey = ${key(7)}
Address = 10.2.0.2/24, fd00::2/64

[Peer]
PublicKey = ${key(9)}
PresharedKey = ${key(8)}
AllowedIPs = 10.2.0.0/16, ::/0
Endpoint = vpn.example.com:51820
PersistentKeepalive = 25

[Peer]
PublicKey = ${key(10)}
AllowedIPs = 10.3.0.0/16
`);

const dns: DnsDecision = {
  mode: 'tunnel',
  servers: [parseAddress('10.2.0.1')!],
  searchDomains: ['corp.example', 'example'],
  extraRoutes: [],
  warnings: [],
  notes: [],
};

const facts: PlanFacts = {
  file: { shown: 'work.conf', realPath: '/home/ada/my work.conf', stamp: '1 2 3 4' },
  tunnel: 'my work',
  options: new Map([
    ['mtu', '1400'],
    ['ignore-unknown', ''],
  ]),
  node: { path: '/usr/bin/node', options: ['--inspect-port=0.0.0.1:1024'] },
  engine: '/usr/lib/wg-wrap/engine.js',
  mtu: 1400,
  dns,
  listenPort: 40112,
  controller: '/usr/lib/wg-wrap/controller.js',
  endpoints: [
    {
      name: 'vpn.example.com',
      port: 51820,
      addresses: [parseAddress('203.0.113.4')!, parseAddress('2001:db8::4')!],
    },
    undefined,
  ],
  lingerMs: 0,
  pump: 'on',
  pumpWorkers: undefined,
  quiet: false,
};

describe("the launcher's plan", () => {
  it('has every line that the launcher needs', () => {
    expect(makePlan(config, facts).launcher).toBe(
      [
        'plan 1',
        'tunnel my work',
        'config /home/ada/my work.conf',
        'stamp 1 2 3 4',
        'option mtu 1400',
        'option ignore-unknown ',
        'node /usr/bin/node',
        'engine /usr/lib/wg-wrap/engine.js',
        'controller /usr/lib/wg-wrap/controller.js',
        'node-option --inspect-port=0.0.0.1:1024',
        'interface wg0',
        'mtu 1400',
        'address 10.2.0.2/24',
        'address fd00::2/64',
        'route 10.2.0.0/16',
        'route ::/0',
        'route 10.3.0.0/16',
        'dns tunnel',
        'nameserver 10.2.0.1',
        'search corp.example',
        'search example',
        'resolve vpn.example.com',
        'linger 0',
        '',
      ].join('\n'),
    );
  });

  it('passes on that no warnings are wanted', () => {
    expect(makePlan(config, { ...facts, quiet: true }).launcher).toMatch(/^quiet 1$/m);
  });

  it('holds no secret', () => {
    const { launcher } = makePlan(config, facts);
    for (const byte of [7, 8]) {
      expect(launcher).not.toContain(key(byte));
      expect(launcher).not.toContain(byte.toString(16).padStart(2, '0').repeat(32));
    }
  });

  it('refuses a line break in a path', () => {
    const file = { ...facts.file, realPath: '/tmp/a\nroute 0.0.0.0/0' };
    expect(() => makePlan(config, { ...facts, file })).toThrow(WgWrapError);
  });

  it.each(['a\nb', 'a\x1b[31m', '\x7f'])('refuses the name %j, which messages show', (tunnel) => {
    expect(() => makePlan(config, { ...facts, tunnel })).toThrow(
      'work.conf has a control character in its name; rename it',
    );
  });
});

describe("the engine's configuration", () => {
  it('says what the file says, with endpoints as addresses', () => {
    const configuration = decodeEngineConfiguration(makePlan(config, facts).engine);
    expect(configuration).toMatchObject({ tunnel: 'my work', mtu: 1400, listenPort: 40112 });
    const request = parseSet(configuration.uapi);
    if (!request.ok) throw new Error(`refused at line ${request.line}`);
    expect(request.set.privateKey).toEqual(parseKey(key(7)));
    expect(request.set.replacePeers).toBe(true);
    const [first, second] = request.set.peers;
    expect(first.publicKey).toEqual(parseKey(key(9)));
    expect(first.presharedKey).toEqual(parseKey(key(8)));
    expect(first.endpoint).toEqual(parseSocketAddress('203.0.113.4:51820'));
    expect(first.persistentKeepaliveSeconds).toBe(25);
    expect(first.allowedIPs?.map(({ prefix }) => formatPrefix(prefix))).toEqual([
      '10.2.0.0/16',
      '::/0',
    ]);
    expect(second.endpoint).toBeUndefined();
  });

  it('gives the only peer the routes that its name servers need', () => {
    const one = { ...config, peers: [config.peers[1]] };
    const extra = { ...dns, extraRoutes: [parsePrefix('10.64.0.1/32')!] };
    const plan = makePlan(one, { ...facts, dns: extra, endpoints: [undefined] });
    expect(plan.launcher).toContain('\nroute 10.64.0.1/32\n');
    expect(decodeEngineConfiguration(plan.engine).uapi).toContain('allowed_ip=10.64.0.1/32\n');
  });

  it('has reserved bytes where all peers agree, and refuses where they do not', () => {
    const reserved = (...values: (number[] | undefined)[]): Config => ({
      ...config,
      peers: config.peers.map((peer, index) => {
        const bytes = values[index];
        return bytes ? { ...peer, reserved: Uint8Array.from(bytes) } : peer;
      }),
    });
    const agreed = makePlan(reserved([1, 2, 3], [1, 2, 3]), facts);
    expect(decodeEngineConfiguration(agreed.engine).reserved).toEqual([1, 2, 3]);
    expect(() => makePlan(reserved([1, 2, 3], undefined), facts)).toThrow(
      'work.conf:12: Reserved has to be the same in every [Peer]',
    );
  });

  it('of another version is refused', () => {
    const text = JSON.stringify({ schema: 2, uapi: '' });
    expect(() => decodeEngineConfiguration(text)).toThrow(TypeError);
  });
});
