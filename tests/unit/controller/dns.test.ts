import { describe, expect, it } from 'vitest';
import type { Config, PeerConfig } from '../../../src/config/config.ts';
import { decideDns } from '../../../src/controller/dns.ts';
import { WgWrapError } from '../../../src/errors.ts';
import { formatAddress, formatPrefix, parseAddress, parsePrefix } from '../../../src/ip.ts';
import { SecretKey } from '../../../src/key.ts';

const peer = (...allowedIPs: string[]): PeerConfig => ({
  publicKey: new Uint8Array(32),
  allowedIPs: allowedIPs.map((text) => parsePrefix(text)!),
  persistentKeepaliveSeconds: 0,
  line: 5,
});

const config = (dns: string[], ...peers: PeerConfig[]): Config => ({
  interface: {
    privateKey: new SecretKey(new Uint8Array(32)),
    addresses: [parsePrefix('10.0.0.2')!],
    dnsServers: dns.map((text) => parseAddress(text)!),
    searchDomains: ['corp.example'],
    listenPort: 0,
    lines: {},
  },
  peers,
});

const addresses = (...texts: string[]): Uint8Array[] => texts.map((text) => parseAddress(text)!);

const message = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof WgWrapError && error.code === 'config') return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
};

describe('the DNS decision', () => {
  it('takes the servers and search domains of the file', () => {
    const decision = decideDns(
      'work.conf',
      config(['10.0.0.1'], peer('10.0.0.0/8')),
      undefined,
      [],
    );
    expect(decision.mode).toBe('tunnel');
    expect(decision.servers.map(formatAddress)).toEqual(['10.0.0.1']);
    expect(decision.searchDomains).toEqual(['corp.example']);
    expect(decision.warnings).toEqual([]);
  });

  it('prefers the servers of the command line', () => {
    const decision = decideDns(
      'work.conf',
      config(['10.0.0.1'], peer('0.0.0.0/0')),
      addresses('9.9.9.9'),
      [],
    );
    expect(decision.servers.map(formatAddress)).toEqual(['9.9.9.9']);
  });

  it('uses three servers at most and says so', () => {
    const dns = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'];
    const decision = decideDns('work.conf', config(dns, peer('10.0.0.0/8')), undefined, []);
    expect(decision.servers).toHaveLength(3);
    expect(decision.notes).toEqual(['only the first 3 of 4 DNS servers are used']);
  });

  it('hands on as many search domains as the plan may have', () => {
    const one = config(['10.0.0.1'], peer('10.0.0.0/8'));
    const searchDomains = Array.from({ length: 40 }, (_, i) => `d${i}.example`);
    const many = { ...one, interface: { ...one.interface, searchDomains } };
    const decision = decideDns('work.conf', many, undefined, []);
    expect(decision.searchDomains).toHaveLength(32);
    expect(decision.notes).toEqual(['only the first 32 of 40 search domains are used']);
  });

  it('sends a server outside of AllowedIPs to the only peer, with a warning', () => {
    const decision = decideDns(
      'work.conf',
      config(['10.64.0.1'], peer('192.168.0.0/16')),
      undefined,
      [],
    );
    expect(decision.extraRoutes.map(formatPrefix)).toEqual(['10.64.0.1/32']);
    expect(decision.warnings).toEqual([
      'DNS server 10.64.0.1 is not in AllowedIPs; sending 10.64.0.1/32 to the only peer',
    ]);
  });

  it('refuses a server that none of several peers carries', () => {
    const two = config(['10.64.0.1'], peer('192.168.0.0/24'), peer('192.168.1.0/24'));
    expect(message(() => decideDns('work.conf', two, undefined, []))).toBe(
      "DNS server 10.64.0.1 is in no peer's AllowedIPs; add 10.64.0.1/32 to the peer that reaches it",
    );
  });

  it("uses the host's public servers where the tunnel carries them", () => {
    const all = config([], peer('0.0.0.0/0', '::/0'));
    const decision = decideDns('work.conf', all, undefined, addresses('9.9.9.9', '2620:fe::fe'));
    expect(decision.servers.map(formatAddress)).toEqual(['9.9.9.9', '2620:fe::fe']);
    expect(decision.notes).toHaveLength(1);
  });

  it.each(['192.168.1.1', '127.0.0.53', '10.1.1.1', '100.64.0.1', 'fd00::1', 'fe80::1', '::1'])(
    "refuses to invent a server where the host's resolver is %s",
    (server) => {
      const all = config([], peer('0.0.0.0/0', '::/0'));
      expect(message(() => decideDns('work.conf', all, undefined, addresses(server)))).toBe(
        `work.conf has no DNS=, and this host's resolver ${server} can't be reached through the tunnel; use --dns ADDR or --dns none`,
      );
    },
  );

  it('says where a DNS line names domains only', () => {
    const all = config([], peer('0.0.0.0/0', '::/0'));
    const domains = { ...all, interface: { ...all.interface, lines: { dns: 4 } } };
    expect(message(() => decideDns('work.conf', domains, undefined, []))).toMatch(
      /^work\.conf:4: DNS= names no server, and /,
    );
  });

  it('refuses a public server of the host that no peer carries', () => {
    const some = config([], peer('10.0.0.0/8'));
    expect(message(() => decideDns('work.conf', some, undefined, addresses('9.9.9.9')))).toContain(
      "this host's resolver 9.9.9.9 can't be reached through the tunnel",
    );
  });

  it('asks for servers where the host has none', () => {
    const all = config([], peer('0.0.0.0/0'));
    expect(message(() => decideDns('work.conf', all, undefined, []))).toContain(
      "this host's resolv.conf names no server",
    );
  });

  it('has no server at all if told so', () => {
    const decision = decideDns('work.conf', config(['10.0.0.1'], peer()), 'none', []);
    expect(decision.mode).toBe('none');
    expect(decision.servers).toEqual([]);
  });
});
