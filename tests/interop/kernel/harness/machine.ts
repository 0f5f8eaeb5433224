/**
 * A virtual machine in software, linked to a namespace by a tap device.
 *
 * Emulation only: a /dev/kvm may be there and still not boot a stock kernel. The machine's first
 * serial line is its console and goes to a file, which a failure shows; the second one takes
 * scripts and returns what they print, as guest/init.sh says. The machine ends with the test
 * runner, however that ends.
 */
import { readFileSync } from 'node:fs';
import type { Command } from '../../../e2e/harness/command.ts';
import type { Namespace } from '../../../e2e/harness/namespace.ts';

/** What to boot. */
export interface Image {
  readonly kernel: string;
  readonly initramfs: string;
}

/** Where a machine is to run. */
export interface MachineOptions {
  readonly image: Image;
  readonly namespace: Namespace;
  /** An existing tap device of the namespace. */
  readonly tap: string;
  /** The file for what the machine's console says. */
  readonly console: string;
}

const BOOT_LIMIT_MS = 60_000;
const SCRIPT_LIMIT_MS = 30_000;
const CONSOLE_LINES = 15;

/** A running machine. */
export class Machine {
  readonly #options: MachineOptions;
  #emulator: Command | undefined;
  #scripts = 0;

  private constructor(options: MachineOptions) {
    this.#options = options;
  }

  /** Boots the machine and waits until it takes scripts; its network is not configured. */
  static async boot(options: MachineOptions): Promise<Machine> {
    const machine = new Machine(options);
    const { namespace } = options;
    machine.#emulator = await machine.#within(
      namespace.daemon(emulator(options), /^ready\n/m, { inputStaysOpen: true }),
      BOOT_LIMIT_MS,
      'the machine has not booted',
    );
    return machine;
  }

  /** Runs a shell script as root; returns what it prints, throws when it fails. */
  async sh(script: string): Promise<string> {
    const emulator = this.#emulator;
    if (!emulator) throw new Error('the machine is off');
    this.#scripts += 1;
    const number = this.#scripts;
    emulator.write(`${number} ${Buffer.from(script).toString('base64')}\n`);
    const [, status, encoded = ''] = await this.#within(
      emulator.until(new RegExp(`^${number} (\\d+) (\\S*)\n`, 'm')),
      SCRIPT_LIMIT_MS,
      'the machine has not answered',
    );
    const text = Buffer.from(encoded, 'base64').toString().replace(/\n$/, '');
    if (status !== '0') {
      // The first line tells which script; the rest may be a configuration with keys.
      throw new Error(`in the machine: ${script.split('\n')[0]} …\n  status ${status}: ${text}`);
    }
    return text;
  }

  /** The last lines of the console. */
  get console(): string {
    const lines = readFileSync(this.#options.console, 'latin1').split(/\r?\n/);
    return lines.slice(-CONSOLE_LINES).join('\n');
  }

  /** Switches it off as a power failure would: nothing inside gets to say goodbye. */
  async switchOff(): Promise<void> {
    if (!this.#emulator) return;
    await this.#options.namespace.stop(this.#emulator);
    this.#emulator = undefined;
  }

  async #within<T>(event: Promise<T>, limitMs: number, complaint: string): Promise<T> {
    const { promise: late, reject } = withReject<T>();
    const timer = setTimeout(() => {
      reject(new Error(`${complaint} after ${limitMs} ms\n${this.console}`));
    }, limitMs);
    try {
      return await Promise.race([event, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function withReject<T>(): {
  readonly promise: Promise<T>;
  readonly reject: (error: Error) => void;
} {
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<T>((_, refuse) => {
    reject = refuse;
  });
  return { promise, reject };
}

function emulator({ image, tap, console }: MachineOptions): readonly string[] {
  return [
    'qemu-system-x86_64',
    ...['-M', 'q35', '-accel', 'tcg', '-cpu', 'max', '-m', '256'],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-serial', `file:${console}`, '-serial', 'stdio'],
    ...['-kernel', image.kernel, '-initrd', image.initramfs],
    ...['-append', 'console=ttyS0 quiet panic=-1'],
    ...['-netdev', `tap,id=link,ifname=${tap},script=no,downscript=no`],
    // The option ROM would offer to boot from the network.
    ...['-device', 'virtio-net-pci,netdev=link,romfile='],
  ];
}
