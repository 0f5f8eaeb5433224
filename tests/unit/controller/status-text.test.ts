import { describe, expect, it } from 'vitest';
import { formatBytes, formatCount, formatSpan } from '../../../src/controller/quantity.ts';
import { dropsByCount, formatList, formatStatus } from '../../../src/controller/status-text.ts';
import { ABOUT, ENGINE, RECORD, sampleStatus } from './sample-status.ts';

describe('the text of a status', () => {
  it('has everything in a dozen lines', () => {
    expect(formatStatus(sampleStatus())).toBe(
      [
        'work: connected, up 8 min 32 s',
        '  config      /home/ada/work.conf',
        '  engine      pid 812, data path typescript, no offload, 45.00 MiB, 2 restarts',
        '  interface   wg0: 10.2.0.2/32, MTU 1400, port 40112',
        '  public key  BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=',
        '  dns         10.2.0.1 (search corp.example)',
        '  peer        CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=',
        '              203.0.113.4:51820 (vpn.example.com), handshake 12 s ago, 2.00 KiB received, 1.00 KiB sent',
        '              allowed IPs 0.0.0.0/0, ::/0',
        '  sessions    812 curl; without a session: 901',
        '  dropped     udp_send EPERM 9, wrong_source 7, malformed 5, queue_full 1',
        "  leak paths  none; the host's D-Bus, X11 and other path sockets stay reachable",
        '  warning     an observation',
        '  warning     work.conf:6: PostUp ignored',
        '  note        a note',
        '',
      ].join('\n'),
    );
  });

  it('says what is not known', () => {
    const text = formatStatus(
      sampleStatus({
        engine: undefined,
        about: undefined,
        uptime: undefined,
        inhabitants: { sessions: [], others: [] },
      }),
    );
    expect(text).toBe(
      [
        'work: failed',
        '  config      /home/ada/work.conf',
        '  engine      none answers, 2 restarts',
        '  interface   unknown: MTU unknown, port unknown',
        '  public key  unknown',
        '  dns         unknown',
        '  sessions    none',
        '  dropped     unknown',
        "  leak paths  none; the host's D-Bus, X11 and other path sockets stay reachable",
        '',
      ].join('\n'),
    );
    expect(formatStatus(sampleStatus({ engine: undefined }))).toContain(
      'no endpoint (vpn.example.com), no handshake, traffic unknown',
    );
  });

  it('cuts long lists, and tells what is unusual about an engine', () => {
    const allowedIps = Array.from({ length: 9 }, (_, index) => `10.${index}.0.0/16`);
    const engine = {
      ...ENGINE,
      underLoad: true,
      offload: true,
      peers: [{ ...ENGINE.peers[0], allowedIps }],
    };
    const text = formatStatus(sampleStatus({ engine, record: { ...RECORD, restarts: 1 } }));
    expect(text).toContain('10.5.0.0/16 and 3 more\n');
    expect(text).toContain(', offload, 45.00 MiB, 1 restart, under load\n');
  });

  it('tells what a pump has to do without', () => {
    let endpoints: (string | null)[] = ['203.0.113.4:51820', '[2001:db8::1]:51820'];
    const describe = (...uses: string[]): string | undefined => {
      const peers = endpoints.map((endpoint) => ({ ...ENGINE.peers[0], endpoint }));
      const offload = uses.includes('tso');
      const engine = { ...ENGINE, dataPath: 'pump', offload, uses, peers } as const;
      const text = formatStatus(sampleStatus({ engine }));
      return /data path (pump.*), 45.00 MiB/.exec(text)?.[1];
    };
    const all = ['tso', 'uso', 'segment4', 'segment6', 'gro4', 'gro6', 'coalesce'];
    expect(describe(...all)).toBe('pump, offload');
    expect(describe()).toBe('pump, no offload, no USO, no UDP_SEGMENT, no UDP_GRO');
    expect(describe('tso', 'uso', 'segment6', 'gro4', 'gro6')).toBe(
      'pump, offload, no UDP_SEGMENT for IPv4',
    );
    // What is missing for a family that no peer has is no loss.
    endpoints = ['203.0.113.4:51820', null];
    expect(describe('tso', 'uso', 'segment4', 'gro4')).toBe('pump, offload');
    expect(describe('tso', 'segment6', 'gro4')).toBe('pump, offload, no USO, no UDP_SEGMENT');
    endpoints = ['[2001:db8::1]:51820'];
    expect(describe('tso', 'uso', 'segment6', 'gro4')).toBe('pump, offload, no UDP_GRO');
    endpoints = [null];
    expect(describe('tso', 'segment6', 'gro4')).toBe('pump, offload, no USO');
  });

  it('says so where no name server is used, and where nothing was dropped', () => {
    const about = { ...ABOUT, dns: { mode: 'none', servers: [], search: [] } as const };
    const quiet = { ...ENGINE, drops: {}, udp: { ...ENGINE.udp, queueFull: 0, sendErrors: {} } };
    const text = formatStatus(sampleStatus({ about, engine: quiet }));
    expect(text).toContain('  dns         none\n');
    expect(text).toContain('  dropped     nothing\n');
  });

  it('has drops with the most first', () => {
    expect(dropsByCount(sampleStatus()).map(([, count]) => count)).toEqual([9, 7, 5, 1]);
  });
});

describe('the list of tunnels', () => {
  it('is a table', () => {
    const starting = { ...ENGINE, state: 'starting' } as const;
    const other = sampleStatus({
      record: { ...RECORD, name: 'a-long-name', config: '/etc/x.conf' },
      engine: starting,
      inhabitants: { sessions: [], others: [] },
    });
    expect(formatList([sampleStatus(), other])).toBe(
      [
        'NAME         STATE      SESSIONS  CONFIG',
        'work         connected  1         /home/ada/work.conf',
        'a-long-name  starting   0         /etc/x.conf',
        '',
      ].join('\n'),
    );
  });

  it('is empty without a tunnel', () => {
    expect(formatList([])).toBe('');
  });
});

describe('a quantity', () => {
  it.each([
    [0, '0 s'],
    [59.9, '59 s'],
    [60, '1 min 0 s'],
    [3_599, '59 min 59 s'],
    [3_600, '1 h 0 min'],
    [90_000, '1 d 1 h'],
    [-3, '0 s'],
  ])('of %d seconds is %s', (seconds, text) => {
    expect(formatSpan(seconds)).toBe(text);
  });

  it.each([
    [0, '0 B'],
    [1023.4, '1023 B'],
    [1024, '1.00 KiB'],
    [5 * 1024 ** 3, '5.00 GiB'],
    [3 * 1024 ** 4, '3.00 TiB'],
  ])('of %d bytes is %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it('has a plural', () => {
    expect([formatCount(1, 'restart'), formatCount(0, 'restart')]).toEqual([
      '1 restart',
      '0 restarts',
    ]);
  });
});
