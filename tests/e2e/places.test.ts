/** Runtime directories in unusual places: a tunnel's state is hidden in its own tunnel wherever it is. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { INSIDE_NAME } from './harness/site.ts';
import { clean, useTopology } from './harness/topology.ts';

const topology = useTopology();

/** What the environment says, and where that is; `HOME` stands for the user's home directory. */
const PLACES: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
  ['in the home directory', { XDG_RUNTIME_DIR: 'HOME/place' }, 'HOME/place'],
  ['with a newline and spaces', { XDG_RUNTIME_DIR: 'HOME/place/a b\nc ' }, 'HOME/place/a b\nc '],
  ['with what options end at', { XDG_RUNTIME_DIR: 'HOME/place/a:b,c\\d' }, 'HOME/place/a:b,c\\d'],
  [
    'in hidden characters',
    { XDG_RUNTIME_DIR: 'HOME/place/\x1b[2J\u009b' },
    'HOME/place/\x1b[2J\u009b',
  ],
  ['behind a link', { XDG_RUNTIME_DIR: 'HOME/link' }, 'HOME/place'],
  ['below the temporary files', { XDG_RUNTIME_DIR: '/tmp/wg-wrap-place' }, '/tmp/wg-wrap-place'],
  [
    'relative, which counts as none',
    { XDG_RUNTIME_DIR: 'place', TMPDIR: 'HOME/place' },
    'HOME/place',
  ],
];

/** Shows what is left of the state inside, and that a run of the same configuration stays where it is. */
const LOOK = `
  find "$1" -type s; find "$1" -name pin; find "$1" -mindepth 2 -name inside -printf 'note\\n'
  readlink /proc/self/ns/net; wg-wrap -c work.conf -- readlink /proc/self/ns/net
  getent ahostsv4 ${INSIDE_NAME} | head -n1; echo over`;

test.each(PLACES)('a runtime directory %s is hidden inside', async (_what, given, place) => {
  const { host } = topology;
  const client = await topology.client();
  const at = (path: string): string => path.replace('HOME', host.home);
  const env = Object.fromEntries(Object.entries(given).map(([name, path]) => [name, at(path)]));
  await host.user(['mkdir', '-m', '700', '-p', at('HOME/place'), at(place)]).wait();
  await host.user(['ln', '-sfn', at('HOME/place'), 'link']).wait();
  try {
    const hold = topology.start(client, ['sh', '-c', 'readlink /proc/self/ns/net; exec cat'], {
      inputStaysOpen: true,
      env,
    });
    const [namespace] = await hold.until(/^net:.*$/m);
    // The state is where it should be.
    const find = ['find', at(place), '-name', 'control.sock'];
    expect((await host.user(find).wait()).text).not.toBe('');
    const look = ['sh', '-c', LOOK, 'sh', at(place)];
    for (let count = 0; count < 2; count++) {
      const { text, stderr } = await topology.run(client, look, { env });
      expect(`${text}${stderr}`.split('\n')).toEqual([
        // The set-up child's.
        'note',
        namespace,
        namespace,
        expect.stringContaining(topology.site.addresses.inner4),
        'over',
      ]);
    }
    const status = clean(await host.wrap(['status', client.name, '--json'], { env }).wait());
    expect(JSON.parse(status.text)).toMatchObject({ state: 'connected', tunnel: 'work' });
    await hold.finish();
    await topology.settled();
    expect((await host.user(find).wait()).text).toBe('');
  } finally {
    await host.user(['rm', '-rf', join(host.home, 'place'), 'link', '/tmp/wg-wrap-place']).wait();
  }
});

test('tunnels that keep their state in another usual place are hidden, too', async () => {
  const { host } = topology;
  const user = `/run/user/${host.uid}`;
  const temporary = `/tmp/wg-wrap-${host.uid}`;
  await host.namespace.sh(`mkdir -m 700 -p ${user}; chown +${host.uid}:+${host.uid} ${user}`);
  const { outer4 } = topology.site.addresses;
  const holds = [];
  for (const [index, env] of [
    { XDG_RUNTIME_DIR: user },
    { XDG_RUNTIME_DIR: temporary },
    { XDG_RUNTIME_DIR: host.runtime },
  ].entries()) {
    await host.user(['mkdir', '-m', '700', '-p', env.XDG_RUNTIME_DIR]).wait();
    const client = await topology.client({ name: `t${index}.conf`, endpoint: `${outer4}:5555` });
    const args = ['-c', client.name, '--no-wait', '--', 'sh', '-c'];
    // The later ones mask what is there already; the pin of an earlier one masks nothing anew.
    const find = `find ${user} ${temporary} ${host.runtime} -type s; echo up; exec cat`;
    const hold = host.wrap([...args, find], { env, inputStaysOpen: true });
    await hold.until(/^up$/m);
    holds.push(hold);
  }
  const last = holds.at(-1);
  expect(last?.output).toBe('up\n');
  const joined = await host
    .wrap(['-c', 't0.conf', '--no-wait', '--', 'find', user, temporary, '-type', 's'], {
      env: { XDG_RUNTIME_DIR: user },
    })
    .wait();
  expect(joined).toMatchObject({ status: 0, text: '', stderr: '' });
  for (const hold of holds) await hold.finish();
  await topology.settled();
  await host.namespace.sh(`rm -rf ${user} ${temporary}`);
});
