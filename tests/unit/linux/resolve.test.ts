import { lookup } from 'node:dns/promises';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { formatAddress } from '../../../src/ip.ts';
import { endProcess } from '../../../src/linux/ffi.ts';
import { hostNameservers, resolveName } from '../../../src/linux/resolve.ts';

vi.mock('node:dns/promises');

const answer = (promise: Promise<unknown>): void => {
  vi.mocked(lookup).mockReturnValue(promise as never);
};

const failure = (code: string): Error => Object.assign(new Error(code), { code });

afterEach(() => {
  process.removeListener('exit', endProcess);
});

describe('a name', () => {
  it('has all addresses that the resolver gives, in its order', async () => {
    answer(Promise.resolve([{ address: '2001:db8::1' }, { address: '192.0.2.1' }]));
    const resolution = await resolveName('vpn.test', 1000);
    expect('addresses' in resolution && resolution.addresses.map(formatAddress)).toEqual([
      '2001:db8::1',
      '192.0.2.1',
    ]);
    expect(process.listeners('exit')).not.toContain(endProcess);
  });

  it.each([
    ['ENOTFOUND', 'NXDOMAIN from the host resolver'],
    ['EAI_AGAIN', 'no answer from the host resolver'],
    ['EAI_FAIL', 'EAI_FAIL'],
  ])('that fails with %s has the reason %s', async (code, reason) => {
    answer(Promise.reject(failure(code)));
    expect(await resolveName('vpn.test', 1000)).toEqual({ failure: reason });
  });

  it('without an answer in time is given up, and the process does not wait for it', async () => {
    answer(new Promise(() => undefined));
    const reason = { failure: 'no answer from the host resolver' };
    expect(await resolveName('vpn.test', 20)).toEqual(reason);
    expect(await resolveName('vpn.test', -1)).toEqual(reason);
    expect(process.listeners('exit').filter((listener) => listener === endProcess)).toHaveLength(1);
  });
});

describe("the host's name servers", () => {
  it('are those of resolv.conf, without zones; a file that is missing names none', () => {
    const directory = mkdtempSync(join(tmpdir(), 'wg-wrap-'));
    const path = join(directory, 'resolv.conf');
    const lines = ['# nameserver 1.1.1.1', 'nameserver 192.0.2.1', 'nameserver\tfe80::1%eth0'];
    writeFileSync(path, [...lines, 'nameserver odd', 'search a.test'].join('\n'));
    expect(hostNameservers(path).map(formatAddress)).toEqual(['192.0.2.1', 'fe80::1']);
    rmSync(directory, { recursive: true });
    expect(hostNameservers(path)).toEqual([]);
  });
});
