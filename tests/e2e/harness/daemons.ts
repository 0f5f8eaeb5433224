/**
 * Debian's own name-service daemons in place of the sentinels that listen at their paths: nscd,
 * systemd-resolved and avahi. They are installed, or only unpacked by scripts/prepare: installed they
 * would serve the machine itself.
 */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Command } from './command.ts';
import type { Host } from './host.ts';
import type { Namespace } from './namespace.ts';

const UNPACKED = resolve(import.meta.dirname, '../../../build/debian');
/** The same directory where every uid can reach it. */
const SHOWN = '/run/debian';
const SHOW = `
  mkdir -p ${SHOWN}
  mountpoint -q ${SHOWN} || [ ! -d '${UNPACKED}' ] || mount --bind '${UNPACKED}' ${SHOWN}`;

const LIBRARIES = ['usr/lib', 'lib'].flatMap((directory) => {
  const path = `${SHOWN}/${directory}/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`;
  return [path, `${path}/systemd`];
});

/** Begins a command that can ask the daemons, where the C library's modules for that were only unpacked. */
export const WITH_MODULES: readonly string[] = ['env', `LD_LIBRARY_PATH=${LIBRARIES.join(':')}`];

/** A daemon in the namespaces of a host; all other services of names stay as they are. */
abstract class Daemon {
  protected readonly namespace: Namespace;
  #daemon: Command | undefined;

  constructor({ namespace }: Host) {
    this.namespace = namespace;
  }

  /** What its clients connect to. */
  protected abstract readonly socket: string;
  /** Makes its directories and its configuration anew, in the shell. */
  protected abstract readonly prepare: string;
  /** What `rm -rf` takes away at the end. */
  protected abstract readonly files: string;
  protected abstract readonly argv: readonly string[];
  /** One match a question; the first group is the name. */
  protected abstract readonly question: RegExp;

  /** Starts it in a new directory, as the system does; a running one is stopped before. */
  async start(): Promise<void> {
    if (this.#daemon) await this.namespace.stop(this.#daemon);
    await this.namespace.sh(`${SHOW}\nrm -rf ${this.files}\n${this.prepare}`);
    // None of them prints when it is ready.
    this.#daemon = await this.namespace.daemon(this.argv, /./);
    await this.namespace.sh(`until [ -S ${this.socket} ]; do sleep 0.05; done`);
  }

  /** The names that the present one has been asked for. */
  questions(): readonly string[] {
    const text = `${this.#daemon?.output ?? ''}${this.#daemon?.errors ?? ''}`;
    return [...text.matchAll(this.question)].map((match) => match[1]);
  }

  async stop(): Promise<void> {
    if (this.#daemon) await this.namespace.stop(this.#daemon);
    await this.namespace.sh(`rm -rf ${this.files}`);
  }
}

/** The cache that the C library asks whatever nsswitch.conf says. */
export class Nscd extends Daemon {
  protected readonly socket = '/run/nscd/socket';
  protected readonly files = '/run/nscd /run/nscd.conf';
  protected readonly prepare: string = `
    mkdir /run/nscd
    printf '%s\\n' 'enable-cache hosts yes' 'persistent hosts no' 'shared hosts no' >/run/nscd.conf`;
  protected readonly argv: readonly string[] = [
    programAt('/usr/sbin/nscd'),
    '-d',
    '-f',
    '/run/nscd.conf',
  ];
  protected readonly question: RegExp = /\b(?:GETAI|GETHOSTBY\w+) \(([^)]*)\)/g;
}

/** What most desktops and servers have between programs and their resolvers. */
export class Resolved extends Daemon {
  protected readonly socket = '/run/systemd/resolve/io.systemd.Resolve';
  protected readonly files = '/run/systemd/resolve';
  /** It would otherwise speak LLMNR on all links. */
  protected readonly prepare: string = `
    ${account('systemd-resolve', 990)}
    mkdir -p /run/systemd /etc/systemd
    printf '[Resolve]\\nLLMNR=no\\nMulticastDNS=no\\nCache=no\\n' >/etc/systemd/resolved.conf`;
  protected readonly argv: readonly string[] = [
    ...WITH_MODULES,
    'SYSTEMD_LOG_LEVEL=debug',
    'SYSTEMD_LOG_TARGET=console',
    programAt('/lib/systemd/systemd-resolved'),
  ];
  protected readonly question: RegExp = /Looking up RR for (\S+) /g;
}

/** The name that {@link Avahi} answers for, and its address. */
export const AVAHI_NAME = 'printer.local';
export const AVAHI_ADDRESS = '192.0.2.77';

/** Names of the neighbourhood. */
export class Avahi extends Daemon {
  protected readonly socket = '/run/avahi-daemon/socket';
  protected readonly files = '/run/avahi-daemon /run/avahi.conf';
  /** It needs a link for multicast, and shall not use those that are captured. */
  protected readonly prepare: string = `
    ${account('avahi', 991)}
    ip link show dev mdns0 >/dev/null 2>&1 || {
      ip link add mdns0 type veth peer name mdns1
      ip address add ${AVAHI_ADDRESS}/24 dev mdns0
      ip link set mdns0 up; ip link set mdns1 up
    }
    mkdir /run/avahi-daemon
    printf '%s\\n' '[server]' host-name=${AVAHI_NAME.replace('.local', '')} use-ipv6=no \\
      allow-interfaces=mdns0 enable-dbus=no '[publish]' publish-workstation=no >/run/avahi.conf`;
  protected readonly argv: readonly string[] = [
    ...WITH_MODULES,
    programAt('/usr/sbin/avahi-daemon'),
    ...['--no-drop-root', '--no-chroot', '--no-rlimits', '--debug', '--file=/run/avahi.conf'],
  ];
  protected readonly question: RegExp = /Got RESOLVE-\S+ request for '([^']*)'/g;
}

/** A bus looks up its clients: not at the name service that a test watches. */
const UNSEEN = [
  ...['unshare', '--mount', 'sh', '-euc'],
  ...['mount -t tmpfs nscd /run/nscd; exec "$@"', 'sh'],
];

/** A message bus that anybody may use, in a place of the user's or of the system. */
export class Bus {
  readonly #host: Host;
  readonly #path: string;
  #daemon: Command | undefined;

  constructor(host: Host, path: string) {
    this.#host = host;
    this.#path = path;
  }

  /** Starts it; one that was running before is stopped, and its socket removed. */
  async start(): Promise<void> {
    const { namespace, uid } = this.#host;
    const [path, id] = [this.#path, String(uid)];
    if (this.#daemon) await namespace.stop(this.#daemon);
    const address = `unix:path=${path.replaceAll(' ', '%20')}`;
    const own = path.startsWith('/run/dbus') ? '' : `chown +${id}:+${id} '${dirname(path)}'`;
    const configuration = `<busconfig><listen>${address}</listen><auth>EXTERNAL</auth><policy context="default">
      <allow user="*"/><allow own="*"/></policy></busconfig>`;
    await namespace.sh(`${SHOW}
      rm -rf '${path}' ${path.startsWith('/run/dbus') ? '/run/dbus' : ''}
      mkdir -p '${dirname(path)}'; ${own}
      echo '${configuration}' >/run/dbus.conf`);
    const program = programAt('/usr/bin/dbus-daemon');
    const options = ['--config-file=/run/dbus.conf', '--nofork', '--nopidfile', '--nosyslog'];
    this.#daemon = await namespace.daemon(
      [...UNSEEN, ...WITH_MODULES, program, ...options, '--print-address=1'],
      /^unix:path=/m,
    );
    await namespace.sh(`chmod 666 '${path}'`);
  }

  async stop(): Promise<void> {
    if (this.#daemon) await this.#host.namespace.stop(this.#daemon);
    await this.#host.namespace.sh(`rm -f '${this.#path}' /run/dbus.conf`);
  }
}

/** Shell commands that make a daemon's user known; not all machines have it. */
function account(name: string, id: number): string {
  return `
    grep -q ^${name}: /etc/passwd || echo ${name}:x:${id}:${id}::/:/usr/sbin/nologin >>/etc/passwd
    grep -q ^${name}: /etc/group || echo ${name}:x:${id}: >>/etc/group`;
}

function programAt(path: string): string {
  if (existsSync(path)) return path;
  if (!existsSync(join(UNPACKED, path))) {
    throw new Error(`there is no ${path}: run scripts/prepare test`);
  }
  return join(SHOWN, path);
}
