/**
 * Bad input: one message with the place, the right exit status, and nothing left behind.
 */
import { mkdirSync, chownSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Result } from './harness/command.ts';
import { useTopology } from './harness/topology.ts';

const topology = useTopology();

/** Runs a command that would leave a file. */
async function refused(args: readonly string[]): Promise<Result> {
  const result = await topology.host.wrap([...args, '--', 'touch', 'marker']).wait();
  expect(topology.host.has('marker')).toBe(false);
  expect(result.stdout).toHaveLength(0);
  return result;
}

/** Writes the config with one line replaced; returns the line's number. */
async function spoil(pattern: RegExp, replacement: string): Promise<number> {
  const client = await topology.client();
  const lines = client.text.split('\n');
  const index = lines.findIndex((line) => pattern.test(line));
  expect(index).toBeGreaterThanOrEqual(0);
  lines[index] = replacement;
  topology.host.write(client.name, lines.join('\n'));
  return index + 1;
}

test('a missing file is a bad config', async () => {
  const result = await refused(['-c', './absent.conf']);
  expect(result.status).toBe(78);
  expect(result.stderr).toMatch(/^wg-wrap: .*absent\.conf.*\n$/);
});

test('an unknown profile is a bad config, and the message says where it was looked for', async () => {
  const result = await refused(['-c', 'absent']);
  expect(result.status).toBe(78);
  expect(result.stderr).toMatch(/^wg-wrap: no profile "absent": looked for .*absent\.conf.*\n$/);
});

test('a directory is no config', async () => {
  const directory = join(topology.host.home, 'directory.conf');
  mkdirSync(directory, { recursive: true });
  chownSync(directory, topology.host.uid, topology.host.uid);
  const result = await refused(['-c', 'directory.conf']);
  expect(result.status).toBe(78);
  expect(result.stderr).toMatch(/^wg-wrap: .*directory\.conf.*directory.*\n$/);
});

test('a config that may not be read is a bad config', async () => {
  topology.host.write('secret.conf', '', 0o000);
  const result = await refused(['-c', 'secret.conf']);
  expect(result.status).toBe(78);
  expect(result.stderr).toMatch(/^wg-wrap: .*secret\.conf.*\n$/);
});

test('a key that is too short is refused without being shown', async () => {
  const short = 'c2hvcnQgYW5kIHNlY3JldCwgYnV0IG5vdCBhIGtleQ=';
  const line = await spoil(/^PrivateKey/, `PrivateKey = ${short}`);
  const result = await refused(['-c', 'work.conf']);
  expect(result).toMatchObject({
    status: 78,
    stderr:
      `wg-wrap: work.conf:${line}:14: PrivateKey is not a WireGuard key ` +
      '(43 characters, expected 44)\n',
  });
});

test('an unknown key names the nearest one', async () => {
  const line = await spoil(/^AllowedIPs/, 'AllowedIP = 0.0.0.0/0');
  const result = await refused(['-c', 'work.conf']);
  expect(result).toMatchObject({
    status: 78,
    stderr:
      `wg-wrap: work.conf:${line}:1: unknown key "AllowedIP" (nearest: AllowedIPs); ` +
      '--ignore-unknown skips it\n',
  });
});

test('a prefix that is too long is no address range', async () => {
  const line = await spoil(/^AllowedIPs/, 'AllowedIPs = 10.0.0.0/33');
  const result = await refused(['-c', 'work.conf']);
  expect(result).toMatchObject({
    status: 78,
    stderr: `wg-wrap: work.conf:${line}:14: "10.0.0.0/33" is not an address range\n`,
  });
});

test('all errors of a file are shown at once', async () => {
  const client = await topology.client();
  const text = client.text
    .replace(/^Address.*$/m, 'MTU = 99999')
    .replace(/^Endpoint.*$/m, 'Endpoint = nowhere');
  topology.host.write(client.name, text);
  const result = await refused(['-c', client.name]);
  expect(result.status).toBe(78);
  expect(result.stderr).toMatch(/^wg-wrap: .*MTU must be 576 to 65535$/m);
  expect(result.stderr).toMatch(/^wg-wrap: .*Endpoint needs a port: "nowhere"/m);
  expect(result.stderr).toMatch(/^wg-wrap: .*has no Address$/m);
  expect(result.stderr.match(/^wg-wrap: /gm)).toHaveLength(3);
});

test('an unknown option names the nearest one', async () => {
  const client = await topology.client();
  const result = await refused(['-c', client.name, '--conect-timeout', '3s']);
  expect(result).toMatchObject({
    status: 64,
    stderr: 'wg-wrap: unknown option --conect-timeout (nearest: --connect-timeout)\n',
  });
});

test('a config that others can read works, with a warning', async () => {
  const client = await topology.client();
  topology.host.write(client.name, client.text, 0o644);
  expect(await topology.run(client, ['true'])).toMatchObject({
    status: 0,
    stderr: 'wg-wrap: work.conf can be read by others (mode 0644); chmod 600 work.conf\n',
  });
});

test('hooks of a config are never run, and a warning says so', async () => {
  const client = await topology.client({
    interfaceLines: ['DNS = 10.9.0.1', 'PostUp = touch hook-ran', 'PostDown = touch hook-ran'],
  });
  const line = client.text.split('\n').findIndex((text) => text.startsWith('PostUp')) + 1;
  expect(await topology.run(client, ['true'])).toMatchObject({
    status: 0,
    stderr:
      `wg-wrap: work.conf:${line}: PostUp, PostDown ignored: ` +
      'wg-wrap never runs commands from a config\n',
  });
  expect(topology.host.has('hook-ran')).toBe(false);
});

test('a ListenPort that is taken is named, after a moment for its owner to go', async () => {
  const { namespace } = topology.host;
  const client = await topology.client({
    interfaceLines: ['DNS = 10.9.0.1', 'ListenPort = 40001'],
  });
  const line = client.text.split('\n').findIndex((text) => text.startsWith('ListenPort')) + 1;
  const bind = "require('dgram').createSocket('udp4').bind(40001, () => console.log('bound'))";
  const owner = await namespace.daemon([process.execPath, '-e', bind], /^bound$/m);
  // Starting the owner as a daemon of the host may ask the host's name services.
  await topology.look();
  try {
    const result = await refused(['-c', client.name]);
    expect(result).toMatchObject({
      status: 125,
      stderr: `wg-wrap: work.conf:${line}: ListenPort 40001 is in use on this host\n`,
    });
  } finally {
    await namespace.stop(owner);
  }
});

test('a configuration as text is refused by name, not as a missing profile', async () => {
  const { text } = await topology.client();
  const env = { WG_WRAP_CONFIG_TEXT: text };
  const result = await topology.host.wrap(['--', 'touch', 'marker'], { env }).wait();
  expect(topology.host.has('marker')).toBe(false);
  expect(result.status).toBe(64);
  expect(result.stderr).toMatch(/^wg-wrap: WG_WRAP_CONFIG_TEXT is kept for .*\n$/);
  const other = await topology.host.wrap(['-c', './absent.conf', 'true'], { env }).wait();
  expect(other.status).toBe(78);
});

test('a port that needs a privilege is named with its line and what to do', async () => {
  const line = await spoil(/^DNS/, 'ListenPort = 53');
  const result = await refused(['-c', 'work.conf', '--dns', 'none']);
  expect(result).toMatchObject({
    status: 125,
    stderr:
      `wg-wrap: work.conf:${line}: ListenPort 53 is not open to you (bind: EACCES); ` +
      'leave it out, or use one from 1024 on\n',
  });
});

test('a pipe as configuration is refused at once', async () => {
  const { host } = topology;
  await host.namespace.sh(`mkfifo -m 666 ${join(host.home, 'pipe.conf')}`);
  const result = await refused(['-c', 'pipe.conf']);
  expect(result).toMatchObject({
    status: 78,
    stderr: 'wg-wrap: pipe.conf is a pipe or device, not a config\n',
  });
});
