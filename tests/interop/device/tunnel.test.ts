/**
 * wg(8) against the control socket of a live tunnel, whose owner is an ordinary user. wg(8) looks in
 * /run/wireguard alone, so there is a link to the socket there.
 */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Command } from '../../e2e/harness/command.ts';
import { makeKeyPair, makePresharedKey } from '../../e2e/harness/keys.ts';
import { ENVIRONMENT, PEER_ENDPOINT, useLab } from './harness/lab.ts';

const USER = 1234;
const lab = useLab();
const keys = makeKeyPair();
const preshared = makePresharedKey();

let home = '';
let configuration = '';

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'wg-wrap-tunnel-'));
  chmodSync(home, 0o755);
  mkdirSync(join(home, 'run'), { mode: 0o700 });
  chownSync(join(home, 'run'), USER, USER);
  await lab.peer.setPeers([
    { publicKey: keys.publicKey, presharedKey: preshared, allowedIps: ['10.9.0.2/32'] },
  ]);
  configuration = `[Interface]
PrivateKey = ${keys.privateKey}
Address = 10.9.0.2/24

[Peer]
PublicKey = ${lab.peer.keys.publicKey}
PresharedKey = ${preshared}
AllowedIPs = 10.9.0.0/24
Endpoint = ${PEER_ENDPOINT}
`;
  writeFileSync(join(home, 'work.conf'), configuration);
  chownSync(join(home, 'work.conf'), USER, USER);
  chmodSync(join(home, 'work.conf'), 0o600);
});

afterAll(() => {
  rmSync(home, { recursive: true });
});

const ASK = `
  const socket = require('node:net').connect('/run/wireguard/wg0.sock', () => {
    socket.write(process.argv[1] + '\\n\\n');
  });
  let text = '';
  socket.setEncoding('utf8').on('data', (more) => {
    text += more;
    if (!text.endsWith('\\n\\n')) return;
    process.stdout.write(text);
    socket.destroy();
  });
`;

/** The answer to one request, from where the tunnel was started: nobody elsewhere gets one. */
async function ask(request: string): Promise<string> {
  const command = Command.start(lab.here.enter([process.execPath, '-e', ASK, request]), {
    env: { PATH: process.env['PATH'] ?? '' },
  });
  return (await command.wait()).text;
}

/** Runs `test` while a session of the tunnel lasts, its socket linked as that of wg0. */
async function withTunnel(test: (session: Command) => Promise<void>): Promise<void> {
  const user = ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups'];
  const wrap = [lab.launcher, '--dns', 'none', '-c', join(home, 'work.conf'), '--', 'sh'];
  const run = [...user, ...wrap];
  const session = Command.start(lab.here.enter(run), {
    env: { ...ENVIRONMENT, XDG_RUNTIME_DIR: join(home, 'run'), HOME: home },
    inputStaysOpen: true,
  });
  try {
    session.write('echo inside\n');
    await session.until(/^inside$/m);
    await lab.sh(`ln -s ${home}/run/wg-wrap/*/control.sock /run/wireguard/wg0.sock`);
    await test(session);
  } finally {
    await session.finish();
    await lab.sh('rm -f /run/wireguard/wg0.sock');
  }
}

describe('wg(8) on a tunnel', () => {
  it('shows it, with our public key for us and no secret for anybody', async () => {
    await withTunnel(async () => {
      const shown = await lab.sh('wg show wg0');
      expect(shown).toContain(`peer: ${lab.peer.keys.publicKey}`);
      expect(shown).toMatch(/latest handshake/);
      expect(shown).not.toContain('public key:');
      const answer = await ask('get=1');
      expect(answer).toContain(
        `own_public_key=${Buffer.from(keys.publicKey, 'base64').toString('hex')}\n`,
      );
      for (const secret of [keys.privateKey, preshared]) {
        expect(answer).not.toContain(Buffer.from(secret, 'base64').toString('hex'));
      }
      expect(await lab.sh('wg showconf wg0')).toContain(`Endpoint = ${PEER_ENDPOINT}`);
    });
  });

  it('adds and removes a peer, and the packets follow', async () => {
    await withTunnel(async (session) => {
      const late = makeKeyPair().publicKey;
      await lab.sh(`wg set wg0 peer ${late} allowed-ips 10.9.0.1/32`);
      session.write('ping -n -c 1 -W 1 10.9.0.1 >/dev/null; echo lost $?\n');
      await session.until(/^lost 1$/m);
      await lab.sh(`wg set wg0 peer ${late} remove`);
      session.write('ping -n -c 1 -W 15 10.9.0.1 >/dev/null; echo found $?\n');
      await session.until(/^found 0$/m);
    });
  });

  it('takes the stripped configuration by syncconf, and keeps the session', async () => {
    await withTunnel(async (session) => {
      const before = await lab.sh('wg show wg0 latest-handshakes');
      const port = await lab.sh('wg show wg0 listen-port');
      await lab.wg('syncconf wg0', configuration.replace(/^Address.*\n/m, ''));
      expect(await lab.sh('wg show wg0 latest-handshakes')).toBe(before);
      expect(await lab.sh('wg show wg0 listen-port')).toBe(port);
      session.write('ping -n -c 1 -W 15 10.9.0.1 >/dev/null; echo found $?\n');
      await session.until(/^found 0$/m);
    });
  });

  it('gives a mark back, and moves to another port, unless it may not', async () => {
    await withTunnel(async (session) => {
      await lab.sh('wg set wg0 fwmark 0x17 listen-port 5001');
      expect(await lab.sh('wg show wg0 fwmark')).toBe('0x17');
      expect(await ask('get=1')).toContain('listen_port=5001\n');
      session.write('ping -n -c 1 -W 15 10.9.0.1 >/dev/null; echo found $?\n');
      await session.until(/^found 0$/m);
      const before = await ask('get=1');
      expect(await ask('set=1\nlisten_port=1\nreplace_peers=true')).toBe('errno=-5\n');
      expect(await ask('get=1')).toBe(before);
    });
  });
});
