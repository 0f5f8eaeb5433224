/**
 * The user's machine: a mount and a network namespace in which a test may change anything.
 *
 * Its /etc is a copy, its /run is empty, its /dev/net/tun is open to all, and it has no link but
 * the ones to the sites; the default route leads to site 0, so that whatever gets out of a tunnel
 * shows on a captured link. The product runs here as an ordinary uid with an empty environment.
 *
 * /etc is one whole mount and not a file mounted over a file: a mount below /etc is a case of its
 * own for the product, which a test asks for by name.
 */
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { Command, type CommandOptions } from './command.ts';
import { DATA_PATH } from './data-path.ts';
import { eventually } from './eventually.ts';
import { Namespace } from './namespace.ts';
import { filesBelow, processesOf, type Process } from './snapshot.ts';

/** Where things are; from the global set-up. */
export interface Places {
  readonly prefix: string;
  readonly programs: string;
  readonly scratch: string;
  readonly uid: number;
}

const PREPARE = `
umask 022
mount -t tmpfs -o mode=755 run /run
cp -a /etc /run/etc-copy
mount -t tmpfs -o mode=755 etc /etc
cp -a /run/etc-copy/. /etc/
rm -rf /run/etc-copy
# The file may be a link into a /run that is empty here.
rm -f /etc/resolv.conf
echo "nameserver 198.51.100.1" >/etc/resolv.conf
mknod -m 666 /run/tun c 10 200
mount --bind /run/tun /dev/net/tun
`;

/** The machine on which the product runs. */
export class Host {
  readonly namespace: Namespace;
  readonly uid: number;
  readonly prefix: string;
  readonly programs: string;
  readonly home: string;
  /** XDG_RUNTIME_DIR of the user. */
  readonly runtime: string;
  /** Every program that the user ran in the current test. */
  readonly commands: Command[] = [];

  private constructor(namespace: Namespace, places: Places, directory: string) {
    this.namespace = namespace;
    this.uid = places.uid;
    this.prefix = places.prefix;
    this.programs = places.programs;
    this.home = join(directory, 'home');
    this.runtime = join(directory, 'run');
  }

  /** Builds the machine, with a home and a runtime directory for the user. */
  static async create(places: Places): Promise<Host> {
    const host = new Host(
      await Namespace.create(PREPARE),
      places,
      join(places.scratch, `host-${process.pid}`),
    );
    mkdirSync(dirname(host.home), { mode: 0o755 });
    for (const directory of [host.home, host.runtime]) {
      mkdirSync(directory, { mode: 0o700 });
      chownSync(directory, host.uid, host.uid);
    }
    return host;
  }

  /** Starts `wg-wrap ARGS…` as the user. */
  wrap(args: readonly string[], options: CommandOptions = {}): Command {
    return this.user([join(this.prefix, 'bin/wg-wrap'), ...args], options);
  }

  /**
   * Starts any program as the user, or as another one, in the user's home directory; `env` adds to the
   * few variables.
   */
  user(argv: readonly string[], options: CommandOptions = {}, uid: number = this.uid): Command {
    const id = String(uid);
    // nsenter changes the uid itself: setpriv would look the user up, and so ask a name service.
    const command = Command.start(
      this.namespace.enter(['env', '-C', this.home, ...argv], ['--setgid', id, '--setuid', id]),
      { ...options, env: { ...this.#environment(), ...options.env } },
    );
    this.commands.push(command);
    return command;
  }

  /** Writes a file of the user's into the home directory; returns its path. */
  write(name: string, content: string | Uint8Array, mode = 0o600): string {
    const path = join(this.home, name);
    rmSync(path, { recursive: true, force: true });
    writeFileSync(path, content, { mode });
    chownSync(path, this.uid, this.uid);
    return path;
  }

  /** Removes a file of the user's. */
  remove(name: string): void {
    rmSync(join(this.home, name), { force: true });
  }

  /** Whether a file of the user's is there. */
  has(name: string): boolean {
    return existsSync(join(this.home, name));
  }

  /** Owner and group of a file of the user's. */
  owner(name: string): readonly [number, number] {
    const { uid, gid } = statSync(join(this.home, name));
    return [uid, gid];
  }

  /** The network namespace of a process, as `readlink` shows it. */
  namespaceOf(pid: number): string {
    return readlinkSync(`/proc/${pid}/ns/net`);
  }

  /** The user's processes, inside tunnels as well as outside. */
  processes(): readonly Process[] {
    return processesOf(this.uid);
  }

  /** Files of all tunnels' state, relative to the runtime directory. */
  stateFiles(): readonly string[] {
    return filesBelow(this.runtime);
  }

  /** Whether a session is registered in a tunnel, so that it only waits for the handshake. */
  hasSession(): boolean {
    const sessions = this.stateFiles().filter((file) => file.includes('/sessions/'));
    return sessions.some((file) => {
      const path = join(this.runtime, file);
      return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0;
    });
  }

  /** Removes all state, so that what one failed test left is not blamed on the next. */
  forgetState(): void {
    rmSync(join(this.runtime, 'wg-wrap'), { recursive: true, force: true });
  }

  /** Every live tunnel's pin: its record, as key and value. */
  pins(): readonly ReadonlyMap<string, string>[] {
    return this.#stateFilesNamed('pin').map((text) => {
      const lines = text.split('\n').filter((line) => line !== '');
      return new Map(
        lines.map((line): [string, string] => {
          const space = line.indexOf(' ');
          return [line.slice(0, space), line.slice(space + 1)];
        }),
      );
    });
  }

  /** The pid of the only pin. */
  pinPid(): number {
    const pins = this.pins();
    if (pins.length !== 1) throw new Error(`${pins.length} pins, not one`);
    return Number(pins[0].get('pid'));
  }

  /** The pid of the only tunnel's engine, which need not be the pin's only child. */
  enginePid(): number {
    const pin = this.pinPid();
    const children = this.processes().filter(
      ({ parent, command }) => parent === pin && command.includes('/engine.js'),
    );
    if (children.length !== 1) throw new Error(`the pin has ${children.length} engines, not one`);
    return children[0].pid;
  }

  /** Waits until the only tunnel's record has such a value; a tunnel that isn't there has an empty one. */
  async untilRecorded(key: string, accept: (value: string) => boolean): Promise<void> {
    const recorded = (): string => this.pins().at(0)?.get(key) ?? '';
    await eventually(
      () => accept(recorded()),
      15_000,
      () => `${key} was "${recorded()}"`,
    );
  }

  /** Kills the only tunnel's engine, once there is one, and waits until that is recorded. */
  async killEngine(): Promise<void> {
    await this.untilRecorded('engine', (engine) => Number(engine) > 0);
    const victim = this.pins()[0].get('engine') ?? '';
    process.kill(Number(victim), 'SIGKILL');
    await this.untilRecorded('engine', (engine) => engine !== victim);
  }

  /** The engine logs that are there, one after the other. */
  logs(): string {
    return this.#stateFilesNamed('log').join('\n');
  }

  /** Ends the namespaces; the directories go with the run's. */
  async close(): Promise<void> {
    await this.namespace.close();
    rmSync(dirname(this.home), { recursive: true, force: true });
  }

  #environment(): Record<string, string> {
    return {
      PATH: `${this.prefix}/bin:${dirname(process.execPath)}:/usr/sbin:/usr/bin:/sbin:/bin`,
      HOME: this.home,
      XDG_RUNTIME_DIR: this.runtime,
      LANG: 'C.UTF-8',
      ...(DATA_PATH === 'typescript' && { WG_WRAP_PUMP: 'off' }),
    };
  }

  #stateFilesNamed(name: string): readonly string[] {
    return this.stateFiles()
      .filter((file) => file.endsWith(`/${name}`))
      .flatMap((file) => {
        try {
          const path = join(this.runtime, file);
          return lstatSync(path).isFile() ? [readFileSync(path, 'utf8')] : [];
        } catch {
          // The tunnel ended between the listing and the reading.
          return [];
        }
      });
  }
}
