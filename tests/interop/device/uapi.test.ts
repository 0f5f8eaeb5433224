/** The configuration protocol of a device: with Debian's wg(8), byte by byte, and beside wireguard-go. */
import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../e2e/harness/eventually.ts';
import { makeKeyPair, makePresharedKey } from '../../e2e/harness/keys.ts';
import { useLab } from './harness/lab.ts';

const lab = useLab();

const hex = (base64: string): string => Buffer.from(base64, 'base64').toString('hex');
const KEYS = makeKeyPair();
const OTHER = makeKeyPair();
const PRESHARED = makePresharedKey();

/** Every kind of setting that wg(8) knows. */
const CONFIGURATION = `[Interface]
ListenPort = 5001
FwMark = 0xcafe
PrivateKey = ${KEYS.privateKey}

[Peer]
PublicKey = ${OTHER.publicKey}
PresharedKey = ${PRESHARED}
AllowedIPs = 10.9.0.0/24, fd09::/64
Endpoint = 198.51.100.1:51820
PersistentKeepalive = 25

[Peer]
PublicKey = ${makeKeyPair().publicKey}
AllowedIPs = 192.0.2.1/32
Endpoint = [2001:db8::1]:51820

[Peer]
PublicKey = ${makeKeyPair().publicKey}
Endpoint = [fe80::1%uplink]:9

[Peer]
PublicKey = ${makeKeyPair().publicKey}
`;

/** Peers with random keys; number i has the prefix 10.X.Y.0/24. */
function peers(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => {
    const key = randomBytes(32).toString('base64');
    return `[Peer]\nPublicKey = ${key}\nAllowedIPs = 10.${i >> 8}.${i & 255}.0/24\n`;
  });
}

/** A configuration as text in one order, for comparisons. */
function blocks(configuration: string): readonly string[] {
  return configuration
    .trim()
    .split(/\n\n(?=\[)/)
    .map((block) => block.trim().split('\n').sort().join('\n'))
    .sort();
}

/** What two devices of one configuration have in common: not what they have sent, nor a free port. */
function comparable(answer: string): string {
  return answer.replace(/^listen_port=\d+\n/m, '').replace(/^tx_bytes=\d+$/gm, 'tx_bytes=N');
}

async function up(): Promise<void> {
  await lab.sh('ip link set wg0 up');
  await eventually(
    async () => (await lab.sh('wg show wg0 listen-port')) !== '0',
    3000,
    () => 'no port',
  );
}

beforeEach(async () => {
  await lab.sh('$W device wg0');
});

describe('wg(8)', () => {
  it('reads back each setting that it has set', async () => {
    await lab.wg('setconf wg0', CONFIGURATION);
    expect(blocks(await lab.sh('wg showconf wg0'))).toEqual(blocks(CONFIGURATION));
    const shown = await lab.sh('wg show wg0');
    expect(shown).toContain(`public key: ${KEYS.publicKey}`);
    expect(shown).toContain('listening port: 5001');
    expect(shown).toContain('fwmark: 0xcafe');
    expect(shown).toContain('preshared key: (hidden)');
    expect(shown).toContain('persistent keepalive: every 25 seconds');
  });

  it('gives the same configuration again from what it has shown', async () => {
    await lab.wg('setconf wg0', CONFIGURATION);
    const shown = await lab.sh('wg showconf wg0');
    await lab.wg('setconf wg0', `${shown}\n`);
    expect(blocks(await lab.sh('wg showconf wg0'))).toEqual(blocks(shown));
  });

  it('changes single settings, and takes them back', async () => {
    await lab.wg('setconf wg0', CONFIGURATION);
    await lab.sh(`wg set wg0 listen-port 5002 fwmark off peer ${OTHER.publicKey} \\
      preshared-key /dev/null persistent-keepalive off endpoint 192.0.2.9:1 allowed-ips 10.1.0.0/16`);
    const dump = await lab.sh('wg show wg0 dump');
    const [own, peer] = dump.split('\n').map((line) => line.split('\t'));
    expect(own.slice(1)).toEqual([KEYS.publicKey, '5002', 'off']);
    expect(peer).toEqual([
      OTHER.publicKey,
      '(none)',
      '192.0.2.9:1',
      '10.1.0.0/16',
      '0',
      '0',
      '0',
      'off',
    ]);
    await lab.sh(`wg set wg0 private-key /dev/null peer ${OTHER.publicKey} remove`);
    expect(await lab.sh('wg show wg0 dump')).not.toContain(OTHER.publicKey);
    expect(await lab.sh('wg show wg0 private-key')).toBe('(none)');
  });

  it('moves a prefix to the peer that had it last', async () => {
    await lab.wg('setconf wg0', CONFIGURATION);
    const late = makeKeyPair().publicKey;
    await lab.sh(`wg set wg0 peer ${late} allowed-ips 10.9.0.0/24`);
    const allowed = await lab.sh('wg show wg0 allowed-ips');
    expect(allowed).toContain(`${late}\t10.9.0.0/24`);
    expect(allowed).toContain(`${OTHER.publicKey}\tfd09::/64`);
  });

  it('leaves our own key out as a peer, without a complaint', async () => {
    await lab.wg('setconf wg0', CONFIGURATION);
    await lab.sh(`wg set wg0 peer ${KEYS.publicKey} allowed-ips 10.2.0.0/16`);
    expect(await lab.sh('wg show wg0 peers')).not.toContain(KEYS.publicKey);
  });

  it('sets 300 peers, adds some, and synchronises to others', async () => {
    const all = peers(300);
    const head = `[Interface]\nPrivateKey = ${KEYS.privateKey}\n`;
    await lab.wg('setconf wg0', head + all.join(''));
    expect((await lab.sh('wg show wg0 peers')).split('\n')).toHaveLength(300);
    await lab.wg('addconf wg0', peers(310).slice(300).join(''));
    expect((await lab.sh('wg show wg0 peers')).split('\n')).toHaveLength(310);
    const kept = all.slice(100, 200);
    await lab.wg('syncconf wg0', head + kept.join(''));
    const allowed = (await lab.sh('wg show wg0 allowed-ips')).split('\n').sort();
    const expected = kept.map((block) => /= (\S+)\n.*= (\S+)/.exec(block)?.slice(1).join('\t'));
    expect(allowed).toEqual(expected.sort());
  });

  it('keeps a session while syncconf repeats what is there', async () => {
    const keys = await remake();
    await lab.sh('ip address add 10.9.0.2/24 dev wg0');
    await up();
    await lab.sh('ping -n -c 1 -W 15 10.9.0.1');
    const before = await lab.sh('wg show wg0 latest-handshakes');
    await lab.wg('syncconf wg0', lab.configuration(keys));
    await lab.sh('ping -n -c 1 -W 15 10.9.0.1');
    expect(await lab.sh('wg show wg0 latest-handshakes')).toBe(before);
  });
});

/** The device anew, with the peer's keys. */
async function remake(): Promise<ReturnType<typeof makeKeyPair>> {
  await lab.sh('ip link delete wg0');
  await lab.gone();
  return await lab.makeDevice();
}

describe('port and mark', () => {
  it('are those of the sockets, of later ones too', async () => {
    await lab.sh('wg set wg0 listen-port 5001 fwmark 0x17');
    await up();
    const marked = (port: number): RegExp => new RegExp(`:${port} .*fwmark:0x17`, 'g');
    expect((await lab.sh('ss -Hlune')).match(marked(5001))).toHaveLength(2);
    await lab.sh('wg set wg0 listen-port 5002');
    const moved = await lab.sh('ss -Hlune');
    expect(moved.match(marked(5002))).toHaveLength(2);
    expect(moved).not.toContain(':5001 ');
    await lab.sh('wg set wg0 fwmark 0');
    expect(await lab.sh('ss -Hlune')).not.toContain('fwmark');
  });

  it('that is taken is refused with EADDRINUSE, and nothing of the request is done', async () => {
    await lab.wg('setconf wg0', CONFIGURATION);
    await up();
    const taken = await lab.here.daemon([process.execPath, '-e', BIND_UDP, '5003'], /bound/);
    try {
      const before = await lab.ask('get=1\n\n');
      const request = `set=1\nlisten_port=5003\nfwmark=1\npublic_key=${hex(OTHER.publicKey)}\nremove=true\n\n`;
      expect(await lab.ask(request)).toBe('errno=-98\n\n');
      expect(await lab.ask('get=1\n\n')).toBe(before);
      await expect(lab.sh('wg set wg0 listen-port 5003')).rejects.toThrow(/Address already in use/);
      expect(await lab.sh('ss -Hlun')).toContain(':5001 ');
    } finally {
      await lab.here.stop(taken);
    }
    expect(await lab.ask('set=1\nlisten_port=5003\n\n')).toBe('errno=0\n\n');
  });

  it('0 is any free port, which stays', async () => {
    await up();
    const port = await lab.sh('wg show wg0 listen-port');
    await lab.sh('wg set wg0 fwmark 3');
    expect(await lab.sh('wg show wg0 listen-port')).toBe(port);
    await lab.sh('wg set wg0 listen-port 0');
    expect(await lab.sh('wg show wg0 listen-port')).not.toBe(port);
  });
});

const BIND_UDP = `
  const socket = require('node:dgram').createSocket('udp4');
  socket.bind(Number(process.argv[1]), () => console.log('bound'));`;

describe('the protocol', () => {
  const KEY = hex(OTHER.publicKey);

  it.each([
    ['an unknown key', `set=1\nlisten_port=7\nwhat=1\n\n`, -22],
    ['a bad value', `set=1\nlisten_port=70000\n\n`, -22],
    [
      'a bad line behind good ones',
      `set=1\nlisten_port=7\npublic_key=${KEY}\nallowed_ip=x\n\n`,
      -22,
    ],
    ['a key that is too short', `set=1\nprivate_key=${KEY.slice(2)}\n\n`, -22],
    ['a device key behind a peer', `set=1\npublic_key=${KEY}\nlisten_port=7\n\n`, -22],
    ['another version', `set=1\npublic_key=${KEY}\nprotocol_version=2\n\n`, -22],
    ['a line without =', `set=1\nlisten_port=7\nfwmark\n\n`, -71],
    ['an operation that is none', `put=1\n\n`, -71],
    ['a get with more lines', `get=1\nlisten_port=7\n\n`, -22],
  ])('refuses %s with its errno, and changes nothing', async (_what, request, errno) => {
    await lab.wg('setconf wg0', CONFIGURATION);
    const before = await lab.ask('get=1\n\n');
    expect(await lab.ask(request)).toBe(`errno=${errno}\n\n`);
    expect(await lab.ask('get=1\n\n')).toBe(before);
  });

  it('takes requests byte by byte, and several in one piece', async () => {
    const request = `set=1\nlisten_port=5001\npublic_key=${KEY}\nallowed_ip=10.0.0.0/8\n\n`;
    expect(await lab.converse(request.split(''), 1)).toBe('errno=0\n\n');
    expect(await lab.sh('wg show wg0 allowed-ips')).toBe(`${OTHER.publicKey}\t10.0.0.0/8`);
    const both = await lab.converse(['set=1\nlisten_port=5002\n\nget=1\n\n'], 2);
    expect(both).toMatch(/^errno=0\n\nlisten_port=5002\n/);
  });

  it('does nothing for a request whose end never comes', async () => {
    const before = await lab.ask('get=1\n\n');
    const cut = lab.converse(['set=1\nlisten_port=5001\n'], 1);
    expect(await lab.ask('get=1\n\n')).toBe(before);
    // Ten quiet seconds close it.
    expect(await cut).toBe('(closed)');
    expect(await lab.ask('get=1\n\n')).toBe(before);
  });

  it('answers get with the very lines of wireguard-go', async () => {
    const daemon = await lab.here.daemon(['wireguard-go', '-f', 'wg1'], /UAPI listener started/, {
      env: { PATH: process.env['PATH'] ?? '', LOG_LEVEL: 'verbose' },
    });
    try {
      for (const name of ['wg0', 'wg1']) {
        // Debian 12's wireguard-go loses the zone.
        const shared = CONFIGURATION.replace('ListenPort = 5001\n', '').replace('%uplink', '');
        await lab.wg(`setconf ${name}`, shared);
      }
      const answers = await Promise.all(
        ['wg0', 'wg1'].map(async (name) => comparable(await lab.ask('get=1\n\n', name))),
      );
      const [ours, theirs] = answers.map((answer) => peerParts(answer));
      expect(ours).toEqual(theirs);
    } finally {
      await lab.here.stop(daemon);
      await lab.sh('rm -f /run/wireguard/wg1.sock');
    }
  });
});

/** The parts of an answer, one for the device and one a peer, whose order is nobody's promise. */
function peerParts(answer: string): readonly string[] {
  const [device, ...rest] = answer.replace(/errno=0\n\n$/, '').split(/^(?=public_key=)/m);
  return [device, ...rest.sort()];
}
