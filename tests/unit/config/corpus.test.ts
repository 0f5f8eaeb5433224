import { describe, expect, test } from 'vitest';
import { corpus, describeConfig, readMeaning, tell } from './sample.ts';

/** What else is told about a file than what it means. */
const TOLD: Readonly<Record<string, { warnings: string[]; notes: string[] }>> = {
  opnsense: {
    warnings: ['work.conf:5: PostUp, PostDown ignored: wg-wrap never runs commands from a config'],
    notes: [
      'work.conf:7: Table has no meaning here: the routes are the AllowedIPs',
      "work.conf:8: FwMark has no meaning here: the tunnel's routes live in their own namespace",
      'work.conf:9: SaveConfig ignored: the file is never written',
    ],
  },
};

describe('a file shaped as real ones', () => {
  const names = [...corpus.keys()].filter((name) => name !== 'amneziawg');

  test.each(names)('%s means what is kept beside it', (name) => {
    const told = tell(corpus.get(name)!);
    expect(told.errors).toEqual([]);
    expect(describeConfig(told.config!)).toEqual(readMeaning(name));
  });

  test.each(names)('%s is told about only where it differs from what it asks for', (name) => {
    const { warnings, notes } = tell(corpus.get(name)!);
    expect({ warnings, notes }).toEqual(TOLD[name] ?? { warnings: [], notes: [] });
  });

  test('for AmneziaWG is refused once, with the first of its keys', () => {
    expect(tell(corpus.get('amneziawg')!).errors).toEqual([
      "work.conf:5:1: this is an AmneziaWG config (Jc): a plain WireGuard client can't complete its handshake",
    ]);
  });

  test('is there for each kind that the dialect has', () => {
    expect([...corpus.keys()].toSorted()).toEqual([
      'airvpn',
      'amneziawg',
      'fritzbox',
      'mullvad-v4',
      'mullvad-v6',
      'nord',
      'opnsense',
      'proton',
      'warp',
      'warp-base64',
      'windows',
    ]);
  });
});
