import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DROP_REASONS } from '../../../src/wireguard/drop-reason.ts';
import { checkStatus, STATUS_FIELDS } from '../../e2e/harness/status-schema.ts';
import { ABOUT, ENGINE, KEY, RECORD, sampleStatus } from './sample-status.ts';

const DOCUMENT = readFileSync(new URL('../../../docs/status.md', import.meta.url), 'utf8');

describe('the status of a tunnel', () => {
  it('is what record, file and engine tell together', () => {
    const status = sampleStatus();
    expect(() => checkStatus(status)).not.toThrow();
    expect(status).toMatchObject({
      state: 'connected',
      uptime_s: 512.4,
      engine: { pid: 812, workers: 0, restarts: 2, uptime_s: 100, rss_bytes: 47_185_920 },
      interface: { name: 'wg0', mtu: 1400, listen_port: 40112 },
      options: { mtu: '1400' },
      linger_s: 1.5,
      peers: [
        {
          public_key: KEY,
          endpoint: '203.0.113.4:51820',
          resolved_from: 'vpn.example.com',
          last_handshake_age_s: 12.3,
          handshakes: 3,
        },
      ],
      errors: { udp_send: { EPERM: 9 }, udp_receive: {}, tun_write: {} },
      warnings: ['an observation', 'work.conf:6: PostUp ignored'],
      notes: ['a note'],
    });
    expect(status.drops).toMatchObject({ malformed: 5, wrong_source: 7, queue_full: 1 });
  });

  it('has no zeros for what is not known while no engine answers', () => {
    const status = sampleStatus({ engine: undefined });
    expect(() => checkStatus(status)).not.toThrow();
    expect(status).toMatchObject({
      state: 'failed',
      engine: { pid: 811, data_path: null, workers: null, restarts: 2, rss_bytes: null },
      interface: { mtu: 1400, listen_port: null },
      peers: [
        { public_key: KEY, endpoint: null, resolved_from: 'vpn.example.com', rx_bytes: null },
      ],
      drops: null,
      errors: null,
    });
  });

  it('stands without the file, and without anything', () => {
    const status = sampleStatus({ about: undefined, engine: undefined, uptime: undefined });
    expect(() => checkStatus(status)).not.toThrow();
    expect(status).toMatchObject({ dns: null, peers: null, uptime_s: null, linger_s: null });
  });

  it('names an endpoint only if the configuration has a name for it', () => {
    for (const endpoint of ['203.0.113.4:51820', '[2001:db8::1]:51820', null]) {
      const about = { ...ABOUT, peers: [{ publicKey: KEY, endpoint }] };
      expect(sampleStatus({ about }).peers?.[0].resolved_from).toBeNull();
    }
    const peers = [{ ...ENGINE.peers[0], resolvedFrom: 'other.example.com' }];
    const status = sampleStatus({ engine: { ...ENGINE, peers } });
    expect(status.peers?.[0].resolved_from).toBe('other.example.com');
  });

  it('shows no control character of a name', () => {
    const record = { ...RECORD, name: 'a\x1b[2J', config: '/home/\u202eada' };
    const status = sampleStatus({ record });
    expect(status.tunnel).toBe(String.raw`a\x1b[2J`);
    expect(status.config).toBe(String.raw`/home/\u202eada`);
  });

  it('has the fields that are documented, and no others', () => {
    const [table] = DOCUMENT.split('\n| `state` | |\n');
    const documented = table
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .flatMap((line) => [...line.split(' | ')[0].matchAll(/`([^`]+)`/g)].map((match) => match[1]));
    const nested = Object.entries(STATUS_FIELDS)
      .filter(([, type]) => type !== 'object')
      .map(([path]) => path);
    expect(documented.sort()).toEqual(nested.sort());
  });

  it('has the reasons of drops that are documented, and no others', () => {
    const [, text] = DOCUMENT.split('\n| reason | |\n');
    const [table] = text.split('\n\n');
    const documented = [...table.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]);
    const own = DROP_REASONS.map((reason) =>
      reason.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    );
    expect([...own, ...documented].sort()).toEqual(Object.keys(sampleStatus().drops!).sort());
  });
});
