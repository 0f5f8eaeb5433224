/** wg-quick(8) with the product in place of wireguard-go. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeKeyPair } from '../../e2e/harness/keys.ts';
import { PEER_ENDPOINT, useLab } from './harness/lab.ts';

const lab = useLab();

let directory = '';

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'wg-wrap-quick-'));
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** Writes wg0.conf for a peer that knows us, and returns wg-quick's command lines for it. */
async function prepare(
  allowedIps: string,
): Promise<{ readonly up: string; readonly down: string }> {
  const keys = makeKeyPair();
  await lab.peer.setPeers([
    { publicKey: keys.publicKey, allowedIps: ['10.9.0.2/32', 'fd09::2/128'] },
  ]);
  const path = join(directory, 'wg0.conf');
  writeFileSync(
    path,
    `[Interface]
PrivateKey = ${keys.privateKey}
Address = 10.9.0.2/24, fd09::2/64

[Peer]
PublicKey = ${lab.peer.keys.publicKey}
AllowedIPs = ${allowedIps}
Endpoint = ${PEER_ENDPOINT}
`,
    { mode: 0o600 },
  );
  const quick = `WG_QUICK_USERSPACE_IMPLEMENTATION=${lab.launcher}-device wg-quick`;
  return { up: `${quick} up ${path} 2>&1`, down: `${quick} down ${path} 2>&1` };
}

const PING = 'ping -n -c 1 -W 15 10.9.0.1; ping -n -c 1 -W 15 fd09::1';

describe('wg-quick', () => {
  it('brings a device up, which works at once, and down again', async () => {
    const { up, down } = await prepare('10.9.0.0/24, fd09::/64');
    const told = await lab.sh(up);
    expect(told).toContain('wg-wrap-device wg0');
    expect((await lab.sh(PING)).match(/1 received/g)).toHaveLength(2);
    await lab.sh(down);
    await lab.gone();
  });

  it('sends everything through it, past its own datagrams by their mark', async () => {
    const { up, down } = await prepare('0.0.0.0/0, ::/0');
    await lab.sh(up);
    expect(await lab.sh('wg show wg0 fwmark')).toBe('0xca6c');
    expect(await lab.sh('ip route get 203.0.113.9')).toContain('dev wg0');
    expect((await lab.sh(PING)).match(/1 received/g)).toHaveLength(2);
    await lab.sh(down);
    await lab.gone();
  });
});
