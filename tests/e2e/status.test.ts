/** What `status` and `list` tell of tunnels, in every state and every form. */
import { expect, test } from 'vitest';
import type { Client } from './harness/client.ts';
import type { Result } from './harness/command.ts';
import { eventually } from './harness/eventually.ts';
import { parseExposition, valueOf } from './harness/exposition.ts';
import { ENDPOINT_NAME, SILENT_PORT, TUNNEL_PORT } from './harness/site.ts';
import { checkStatus, type StatusObject } from './harness/status-schema.ts';
import { clean, useTopology } from './harness/topology.ts';

const topology = useTopology();

const LIMIT_MS = 20_000;

async function ask(...args: readonly string[]): Promise<Result> {
  return await topology.host.wrap(args).wait();
}

/** The status as `--json` prints it, held against the documented fields. */
async function jsonOf(...args: readonly string[]): Promise<StatusObject> {
  const result = await ask('status', ...args, '--json');
  expect(result.stderr).toBe('');
  return checkStatus(JSON.parse(result.text));
}

/** Starts a session whose peer never answers. */
async function holdUnconnected(client: Client): Promise<() => Promise<void>> {
  const command = topology.host.wrap(
    ['--no-wait', '-c', client.name, '--', 'sh', '-c', 'echo up; exec cat'],
    {
      inputStaysOpen: true,
    },
  );
  await command.until(/^up$/m);
  return async () => {
    await command.finish();
  };
}

test('a connected tunnel has every field, and exit status 0', async () => {
  const { host, site } = topology;
  topology.allow(/vpn\.test/);
  const client = await topology.client({ endpoint: `${ENDPOINT_NAME}:${TUNNEL_PORT}` });
  const hold = await topology.hold(client);
  await topology.output(client, ['curl', '-sS', `http://${site.addresses.inner4}/who`]);
  const result = await ask('status', 'work', '--json');
  expect(result.status).toBe(0);
  const status = checkStatus(JSON.parse(result.text));
  const { outer4, client4, client6, inner4 } = site.addresses;
  expect(status).toMatchObject({
    tunnel: 'work',
    config: `${host.home}/work.conf`,
    state: 'connected',
    engine: { pid: host.enginePid(), restarts: 0, under_load: false },
    interface: {
      name: 'wg0',
      public_key: client.publicKey,
      addresses: [`${client4}/32`, `${client6}/128`],
      mtu: 1420,
    },
    dns: { mode: 'tunnel', servers: [inner4], search: [] },
    sessions: [{ pid: hold.pid, command: 'cat' }],
    other_processes: [],
    warnings: [],
  });
  const [peer] = status.peers!;
  expect(peer).toMatchObject({
    public_key: site.peer.keys.publicKey,
    endpoint: `${outer4}:${TUNNEL_PORT}`,
    resolved_from: ENDPOINT_NAME,
    allowed_ips: ['0.0.0.0/0', '::/0'],
    handshakes: 1,
    persistent_keepalive_s: null,
  });
  expect(peer.rx_bytes).toBeGreaterThan(500);
  expect(peer.tx_bytes).toBeGreaterThan(500);
  expect(peer.last_handshake_age_s).toBeGreaterThanOrEqual(0);
  expect(status.uptime_s).toBeLessThan(600);
  await hold.finish();
  await topology.look();
});

test('the text has the same in a dozen lines', async () => {
  const client = await topology.client();
  const hold = await topology.hold(client);
  const { text, status } = clean(await ask('status'));
  expect(status).toBe(0);
  const lines = text.split('\n');
  expect(lines.length).toBeLessThanOrEqual(14);
  expect(lines[0]).toMatch(/^work: connected, up \d+ s$/);
  expect(text).toContain(`config      ${topology.host.home}/work.conf\n`);
  expect(text).toContain(`sessions    ${hold.pid} cat\n`);
  expect(text).toMatch(
    /leak paths  none; the host's D-Bus, X11 and other path sockets stay reachable/,
  );
  await hold.finish();
});

test('a tunnel without a handshake is starting, and the exit status is 1', async () => {
  const { outer4 } = topology.site.addresses;
  const client = await topology.client({ endpoint: `${outer4}:${SILENT_PORT}` });
  const finish = await holdUnconnected(client);
  const result = await ask('status', '--json');
  expect(result.status).toBe(1);
  const status = checkStatus(JSON.parse(result.text));
  expect(status.state).toBe('starting');
  expect(status.peers![0]).toMatchObject({ last_handshake_age_s: null, handshakes: 0 });
  await finish();
});

test('a killed engine is started again, which is counted', async () => {
  const client = await topology.client();
  const hold = await topology.hold(client);
  const engine = topology.host.enginePid();
  process.kill(engine, 'SIGKILL');
  let status = await jsonOf();
  await eventually(
    async () => {
      status = await jsonOf();
      return status.state === 'connected' && status.engine.pid !== engine;
    },
    LIMIT_MS,
    () => `it is ${JSON.stringify(status)}`,
  );
  expect(status.engine.restarts).toBe(1);
  await hold.finish();
});

test('an engine that takes over goes on as connected, unless its peers let data wait', async () => {
  const client = await topology.client();
  const hold = await topology.hold(client);
  await topology.site.peer.setPeers([]);
  await topology.host.killEngine();
  let status = await jsonOf();
  const until = async (accept: () => boolean): Promise<void> => {
    await eventually(
      async () => {
        status = await jsonOf();
        return accept();
      },
      LIMIT_MS,
      () => JSON.stringify(status),
    );
  };
  await until(() => status.drops !== null);
  expect(status).toMatchObject({ state: 'connected', peers: [{ last_handshake_age_s: null }] });
  const ping = topology.start(client, ['ping', '-i', '0.5', topology.site.addresses.inner4]);
  await until(() => status.state === 'stale');
  await topology.host.untilRecorded('state', (state) => state === 'stale____');
  await client.introduce();
  await until(() => status.state === 'connected');
  expect(status.peers?.[0].last_handshake_age_s).not.toBeNull();
  ping.kill('SIGINT');
  await ping.wait();
  await hold.finish();
});

test('a tunnel whose engine does not answer has failed, and the rest is still told', async () => {
  const client = await topology.client();
  const hold = await topology.hold(client);
  const engine = topology.host.enginePid();
  process.kill(engine, 'SIGSTOP');
  const result = await ask('status', 'work', '--json');
  const text = await ask('status', 'work');
  process.kill(engine, 'SIGCONT');
  expect([result.status, text.status]).toEqual([1, 1]);
  const status = checkStatus(JSON.parse(result.text));
  expect(status).toMatchObject({
    state: 'failed',
    engine: { data_path: null, offload: null, rss_bytes: null, uptime_s: null, restarts: 0 },
    interface: { name: 'wg0', public_key: client.publicKey, mtu: 1420, listen_port: null },
    peers: [{ public_key: topology.site.peer.keys.publicKey, endpoint: null, rx_bytes: null }],
    sessions: [{ pid: hold.pid, command: 'cat' }],
    drops: null,
    errors: null,
  });
  expect(text.text).toMatch(/^work: failed/);
  expect(text.text).toContain('engine      none answers, 0 restarts\n');
  await hold.finish();
});

test('what the start warned of is told as long as the tunnel lives', async () => {
  const client = await topology.client({
    interfaceLines: ['DNS = 10.9.0.1', 'PostUp = touch x', 'Table = off'],
  });
  const command = topology.start(client, ['sh', '-c', 'echo up; exec cat'], {
    inputStaysOpen: true,
  });
  await command.until(/^up$/m);
  const status = await jsonOf();
  expect(status.warnings).toEqual([
    'work.conf:5: PostUp ignored: wg-wrap never runs commands from a config',
  ]);
  expect(status.notes).toEqual([
    'work.conf:6: Table has no meaning here: the routes are the AllowedIPs',
  ]);
  await command.finish();
});

test('data that nobody answers becomes a warning', async () => {
  const { host, site } = topology;
  const client = await topology.client();
  // The server knows our key, and another address for it.
  await site.peer.setPeers([{ publicKey: client.publicKey, allowedIps: ['10.9.0.77/32'] }]);
  const script = 'echo up; while :; do ping -c 1 -W 1 10.9.0.1 >/dev/null; done';
  const command = topology.start(client, ['sh', '-c', script], { limitMs: 110_000 });
  await command.until(/^up$/m);
  let status = await jsonOf();
  await eventually(
    async () => {
      status = await jsonOf();
      return status.warnings.length > 0;
    },
    80_000,
    () => `it is ${JSON.stringify(status)}`,
  );
  const warning =
    "connected, but nothing comes back: check this client's AllowedIPs on the server, and Address here";
  expect(status.warnings).toEqual([warning]);
  await eventually(
    () => host.logs().includes(warning),
    LIMIT_MS,
    () => host.logs(),
  );
  command.kill('SIGKILL');
  await command.wait();
}, 120_000);

test('a session is told by the name of its program, and who has left it is told too', async () => {
  const client = await topology.client();
  const close = 'for fd in $(ls /proc/$$/fd); do eval "exec $fd>&-"; done; exec sleep 60';
  const script = `bash -c '${close}' & echo $!; exec cat`;
  const command = topology.start(client, ['sh', '-c', script], { inputStaysOpen: true });
  const [, pid] = await command.until(/^(\d+)$/m);
  let status = await jsonOf();
  await eventually(
    async () => {
      status = await jsonOf();
      return status.other_processes.length === 1;
    },
    LIMIT_MS,
    () => JSON.stringify(status),
  );
  expect(status.other_processes).toEqual([Number(pid)]);
  expect(status.sessions).toEqual([{ pid: command.pid, command: 'cat' }]);
  await command.finish();
  status = await jsonOf();
  expect(status.sessions).toEqual([]);
  process.kill(Number(pid), 'SIGKILL');
});

test('what is dropped is counted under its reason', async () => {
  const client = await topology.client({ allowedIps: ['10.9.0.0/24'] });
  const hold = await topology.hold(client);
  const { listen_port: port } = (await jsonOf()).interface;
  const { host4 } = topology.site.addresses;
  const send = `printf nonsense >/dev/udp/${host4}/${port ?? 0}`;
  await topology.site.namespace.sh(`bash -c '${send}'`);
  let status = await jsonOf();
  await eventually(
    async () => {
      status = await jsonOf();
      return status.drops!['malformed'] === 1;
    },
    LIMIT_MS,
    () => JSON.stringify(status.drops),
  );
  expect((await ask('status')).text).toMatch(/dropped .*malformed 1/);
  await hold.finish();
});

test('the numbers are a Prometheus exposition that a parser takes', async () => {
  const client = await topology.client();
  const hold = await topology.hold(client);
  const { text, status } = clean(await ask('status', '--prometheus'));
  expect(status).toBe(0);
  const metrics = parseExposition(`${text}\n`);
  const labels = { tunnel: 'work', config: `${topology.host.home}/work.conf` };
  expect(valueOf(metrics, 'wg_wrap_up', labels)).toBe(1);
  expect(valueOf(metrics, 'wg_wrap_state', { ...labels, state: 'connected' })).toBe(1);
  expect(valueOf(metrics, 'wg_wrap_state', { ...labels, state: 'stale' })).toBe(0);
  expect(valueOf(metrics, 'wg_wrap_sessions', labels)).toBe(1);
  const peer = { ...labels, public_key: topology.site.peer.keys.publicKey };
  expect(valueOf(metrics, 'wg_wrap_peer_handshakes_total', peer)).toBe(1);
  expect(valueOf(metrics, 'wg_wrap_peer_receive_bytes_total', peer)).toBeGreaterThan(0);
  expect(valueOf(metrics, 'wg_wrap_dropped_total', { ...labels, reason: 'replayed' })).toBe(0);
  await hold.finish();
});

test('a name with an escape sequence drives no terminal', async () => {
  const client = await topology.client();
  const { host } = topology;
  const script =
    'cp "$(command -v sleep)" "$(printf \'ev\\033[2Jil\')"; echo up; exec "./$(printf \'ev\\033[2Jil\')" 300';
  const command = topology.start(client, ['sh', '-c', script]);
  await command.until(/^up$/m);
  let text = '';
  await eventually(
    async () => {
      text = (await ask('status')).text;
      return text.includes('ev');
    },
    LIMIT_MS,
    () => text,
  );
  expect(text).toContain(String.raw`ev\x1b[2Jil`);
  for (const form of ['--json', '--prometheus']) {
    expect((await ask('status', form)).text).not.toContain('\x1b');
  }
  command.kill('SIGKILL');
  await command.wait();
  await host.user(['sh', '-c', 'rm -f ev*']).wait();
});
