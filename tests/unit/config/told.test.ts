import { describe, expect, test } from 'vitest';
import { formatDiagnostic } from '../../../src/config/config.ts';
import { formatPrefix } from '../../../src/ip.ts';
import { formatKey } from '../../../src/key.ts';
import { accept, OTHER_PUBLIC_KEY, PUBLIC_KEY, sample, tell } from './sample.ts';

const device = (line: string): string => sample({ device: line });

describe('a warning', () => {
  test('names all hooks at once, at the line of the first', () => {
    const text = device('PostDown = a; b\nPreUp = c\nPostDown = d\nPREDOWN =');
    expect(tell(text).warnings).toEqual([
      'work.conf:4: PreUp, PreDown, PostDown ignored: wg-wrap never runs commands from a config',
    ]);
  });

  test('tells of a prefix in two peers, and the later one has it', () => {
    const text = sample({
      peer: `AllowedIPs = 10.0.0.0/8, ::/0\n[Peer]\nPublicKey = ${OTHER_PUBLIC_KEY}\nAllowedIPs = 10.9.9.9/8`,
    });
    expect(tell(text).warnings).toEqual([
      'work.conf:9: AllowedIPs 10.0.0.0/8 was also given at line 6; the later peer has it',
    ]);
    const [first, second] = accept(text).peers;
    expect(first.allowedIPs.map(formatPrefix)).toEqual(['::/0']);
    expect(second.allowedIPs.map(formatPrefix)).toEqual(['10.0.0.0/8']);
  });

  test('is not given for a prefix twice in one peer', () => {
    const text = sample({ peer: 'AllowedIPs = 10.0.0.0/8, 10.1.0.0/8\nAllowedIPs = 10.0.0.0/8' });
    expect(tell(text).warnings).toEqual([]);
    expect(accept(text).peers[0].allowedIPs.map(formatPrefix)).toEqual(['10.0.0.0/8']);
  });

  test('tells of a public key in two sections, and the later one replaces the earlier', () => {
    const text = sample({
      peer: `AllowedIPs = ::/0\n[Peer]\nPublicKey = ${OTHER_PUBLIC_KEY}\n[Peer]\nPublicKey = ${PUBLIC_KEY}\nAllowedIPs = ::/0`,
    });
    expect(tell(text).warnings).toEqual([
      'work.conf:9: [Peer] has the PublicKey of the one at line 4, and replaces it',
    ]);
    const { peers } = accept(text);
    expect(peers.map(({ line }) => line)).toEqual([7, 9]);
    expect(peers.map((peer) => formatKey(peer.publicKey))).toEqual([OTHER_PUBLIC_KEY, PUBLIC_KEY]);
  });

  test('tells of a key that has one value and is given more often, and the last counts', () => {
    const text = device('MTU = 1300\nMTU = 1400\nmtu = 1280');
    expect(tell(text).warnings).toEqual([
      'work.conf:5: MTU was also given at line 4; the last counts',
      'work.conf:6: MTU was also given at line 5; the last counts',
    ]);
    expect(accept(text).interface.mtu).toBe(1280);
    expect(accept(text).interface.lines).toEqual({ mtu: 6 });
  });

  test('is given across sections [Interface], which are one', () => {
    const text = `${sample({ device: 'MTU = 1300' })}[Interface]\nMTU = 1400\nDNS = 1.1.1.1\n`;
    expect(tell(text).warnings).toEqual([
      'work.conf:8: MTU was also given at line 4; the last counts',
    ]);
    expect(accept(text).interface).toMatchObject({ mtu: 1400, lines: { mtu: 8, dns: 9 } });
  });

  test('is not given for lists that go on', () => {
    const text = sample({
      device: 'Address = fd00::2\nDNS = 1.1.1.1\nDNS = 1.0.0.1, corp.example',
      peer: 'AllowedIPs = ::/0\nAllowedIPs = 0.0.0.0/0',
    });
    expect(tell(text)).toMatchObject({ warnings: [], notes: [] });
    expect(accept(text).interface.addresses).toHaveLength(2);
    expect(accept(text).interface.dnsServers).toHaveLength(2);
    expect(accept(text).peers[0].allowedIPs).toHaveLength(2);
  });
});

describe('a note', () => {
  test.each([
    [
      'FwMark = 51820',
      "FwMark has no meaning here: the tunnel's routes live in their own namespace",
    ],
    ['FwMark = OFF', "FwMark has no meaning here: the tunnel's routes live in their own namespace"],
    ['Table = auto', 'Table has no meaning here: the routes are the AllowedIPs'],
    ['Table = 0x12', 'Table has no meaning here: the routes are the AllowedIPs'],
    ['SaveConfig = TRUE', 'SaveConfig ignored: the file is never written'],
    ['DNS = ~.', 'DNS ~. has no meaning here: every name is asked through the tunnel'],
    ['DNS = ~corp', 'DNS ~corp has no meaning here: every name is asked through the tunnel'],
  ])('tells that "%s" does nothing', (line, note) => {
    expect(tell(device(line))).toMatchObject({ warnings: [], notes: [`work.conf:4: ${note}`] });
  });

  test('tells of an unknown key that is skipped as asked', () => {
    const text = sample({ device: 'Colour = blue', peer: 'AllowedIP = ::/0' });
    expect(tell(text, { ignoreUnknown: true })).toMatchObject({
      errors: [],
      notes: [
        'work.conf:4: unknown key "Colour" skipped',
        'work.conf:7: unknown key "AllowedIP" skipped',
      ],
    });
    expect(tell(text).errors).toHaveLength(2);
  });

  test('is no reason to skip a key in the wrong section', () => {
    const text = device('PublicKey = x');
    expect(tell(text, { ignoreUnknown: true }).errors).toEqual([
      'work.conf:4:1: PublicKey belongs in [Peer]',
    ]);
  });
});

test('a place is told as far as it is known', () => {
  const message = 'is wrong';
  expect(formatDiagnostic('a.conf', { line: 0, column: 0, message })).toBe('a.conf is wrong');
  expect(formatDiagnostic('a.conf', { line: 3, column: 0, message })).toBe('a.conf:3: is wrong');
  expect(formatDiagnostic('a.conf', { line: 3, column: 9, message })).toBe('a.conf:3:9: is wrong');
});
