/**
 * The few C library calls that Node does not offer. The only importer of ffi-rs.
 *
 * Control only: a call costs microseconds, so no packet ever passes here. Every signature in this
 * file was checked against the man page named beside it; a buffer is always as long as the kernel
 * may write, because a wrong length is memory corruption and not an exception.
 *
 * errno is meaningful only after a call has returned -1: on success it is left over from before.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import type { DataType as NativeType, JsExternal } from 'ffi-rs';

type Library = typeof import('ffi-rs');

const LIBC = 'libc';
let library: Library | undefined;

/** A failed system call: its name and the name of errno, for instance `EADDRINUSE`. */
export class SystemCallError extends Error {
  override readonly name = 'SystemCallError';
  readonly code: string;

  constructor(call: string, errno: number) {
    const code = errnoName(errno);
    super(`${call}: ${code}`);
    this.code = code;
  }
}

type Argument = number | Uint8Array;

/** Calls a function whose arguments are ints and buffers and whose int result is -1 on failure. */
function call(name: string, ...args: readonly Argument[]): number {
  library ??= loadLibrary();
  const { DataType, load } = library;
  // With `errno: true` the result is this object; ffi-rs's types can't tell.
  const result = load({
    library: LIBC,
    funcName: name,
    retType: DataType.I32,
    paramsType: args.map((arg) => (typeof arg === 'number' ? DataType.I32 : DataType.U8Array)),
    paramsValue: args.map((arg) => (typeof arg === 'number' ? arg : asBuffer(arg))),
    errno: true,
  }) as { readonly value: number; readonly errnoCode: number };
  if (result.value === -1) throw new SystemCallError(name, result.errnoCode);
  return result.value;
}

/**
 * Loads ffi-rs, not before something is called.
 *
 * To choose one of its builds it asks Node for a whole diagnostic report, and takes from it whether the
 * C library is glibc. A report costs as much as half of Node's own start, so here it is that one fact.
 */
function loadLibrary(): Library {
  const require = createRequire(import.meta.filename);
  const report: { getReport: () => object } = process.report;
  const { getReport } = report;
  const isMusl = readFileSync('/proc/self/maps', 'latin1').includes('/ld-musl-');
  report.getReport = () => ({ header: isMusl ? {} : { glibcVersionRuntime: 'any' } });
  try {
    const loaded = require('ffi-rs') as Library;
    // An empty path is the running program itself, which has the C library of its own system.
    loaded.open({ library: LIBC, path: '' });
    return loaded;
  } finally {
    report.getReport = getReport;
  }
}

/** The same memory as a Buffer, which is what ffi-rs takes as a pointer. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function errnoName(errno: number): string {
  for (const [name, value] of Object.entries(constants.errno)) if (value === errno) return name;
  try {
    return getSystemErrorName(-errno);
  } catch {
    return `errno ${errno}`;
  }
}

const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;

/** socket(2): a non-blocking, close-on-exec UDP socket. `family` is an AF_ constant. */
export function udpSocket(family: number): number {
  return call('socket', family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/** setsockopt(2) with an int as its value. */
export function setSocketOption(fd: number, level: number, option: number, value: number): void {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value, true);
  call('setsockopt', fd, level, option, bytes, bytes.length);
}

/** getsockopt(2) with an int as its value. */
export function getSocketOption(fd: number, level: number, option: number): number {
  const value = new Uint8Array(4);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, value.length, true);
  call('getsockopt', fd, level, option, value, length);
  return new DataView(value.buffer).getInt32(0, true);
}

const SOL_SOCKET = 1;
const SO_NETNS_COOKIE = 71;

/**
 * Which network namespace a socket belongs to, as a number that is never used again (socket(7),
 * SO_NETNS_COOKIE). Undefined on kernels before 5.14, which don't tell.
 */
export function networkNamespaceOf(fd: number): bigint | undefined {
  const value = new Uint8Array(8);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, value.length, true);
  try {
    call('getsockopt', fd, SOL_SOCKET, SO_NETNS_COOKIE, value, length);
  } catch (error) {
    if (error instanceof SystemCallError && error.code === 'ENOPROTOOPT') return undefined;
    throw error;
  }
  return new DataView(value.buffer).getBigUint64(0, true);
}

/** bind(2) to an encoded socket address. */
export function bind(fd: number, address: Uint8Array): void {
  call('bind', fd, address, address.length);
}

/** connect(2) to an encoded socket address; for UDP it only looks up the route. */
export function connect(fd: number, address: Uint8Array): void {
  call('connect', fd, address, address.length);
}

/** getsockname(2), as the encoded socket address. */
export function socketName(fd: number): Uint8Array {
  const address = new Uint8Array(28);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, address.length, true);
  call('getsockname', fd, address, length);
  return address;
}

/** if_nametoindex(3) in this network namespace; 0 if no interface has that name. */
export function interfaceIndex(name: string): number {
  return call('if_nametoindex', new TextEncoder().encode(`${name}\0`));
}

const TUNSETOFFLOAD = 0x400454d0;

/** ioctl(2) TUNSETOFFLOAD: which super-packets a TUN may carry, as TUN_F_ bits. */
export function setTunOffload(fd: number, offloads: number): void {
  call('ioctl', fd, TUNSETOFFLOAD, offloads);
}

const LOCK_SH = 1;
const LOCK_NB = 4;

/** flock(2): a shared lock, unless somebody else has an exclusive one; tells whether it was taken. */
export function tryToShareLock(fd: number): boolean {
  try {
    call('flock', fd, LOCK_SH | LOCK_NB);
    return true;
  } catch (error) {
    if (error instanceof SystemCallError && error.code === 'EWOULDBLOCK') return false;
    if (error instanceof SystemCallError && error.code === 'EAGAIN') return false;
    throw error;
  }
}

/** close(2). */
export function closeDescriptor(fd: number): void {
  call('close', fd);
}

const MFD_CLOEXEC = 1;

/** memfd_create(2): a file in memory that only its descriptors lead to. */
export function unnamedFile(name: string): number {
  return call('memfd_create', new TextEncoder().encode(`${name}\0`), MFD_CLOEXEC);
}

const F_DUPFD_CLOEXEC = 1030;

/** fcntl(2) F_DUPFD_CLOEXEC: another descriptor of the same open file. */
export function duplicate(fd: number): number {
  return call('fcntl', fd, F_DUPFD_CLOEXEC, 0);
}

const timespec = new Uint8Array(16);
const timespecView = new DataView(timespec.buffer);

/** clock_gettime(2) in milliseconds, with a fraction. `clock` is a CLOCK_ constant. */
export function clockMilliseconds(clock: number): number {
  call('clock_gettime', clock, timespec);
  const seconds = timespecView.getInt32(0, true) + timespecView.getInt32(4, true) * 0x100000000;
  return seconds * 1000 + timespecView.getInt32(8, true) / 1e6;
}

const PR_SET_DUMPABLE = 4;

/** prctl(2) PR_SET_DUMPABLE 0: no core dump, and `/proc/PID` belongs to root. */
export function makeUndumpable(): void {
  call('prctl', PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/** _exit(2): ends the process at once, without waiting for its threads. */
export function endProcess(status: number): void {
  call('_exit', status);
}

/** What the library calls an object of its own. */
export type NativePointer = JsExternal;

type NativeArgument = Argument | NativePointer;

/** A library of ours. Its functions return an int, which is negative for an errno, or a pointer. */
export class NativeLibrary {
  readonly #name: string;
  readonly #ffi: Library;

  /** Loads the file. Throws if that can't be done. */
  constructor(path: string) {
    this.#name = path;
    library ??= loadLibrary();
    this.#ffi = library;
    this.#ffi.open({ library: path, path });
  }

  /** Calls a function; throws for a negative result. */
  call(name: string, ...args: readonly NativeArgument[]): number {
    const { DataType, load } = this.#ffi;
    const result = load({ ...this.#signature(name, args), retType: DataType.I32 });
    if (result < 0) throw new SystemCallError(name, -result);
    return result;
  }

  /** Calls a function that makes an object; undefined for NULL. */
  make(name: string, ...args: readonly NativeArgument[]): NativePointer | undefined {
    const { DataType, isNullPointer, load } = this.#ffi;
    const pointer = load({ ...this.#signature(name, args), retType: DataType.External });
    return isNullPointer(pointer) ? undefined : pointer;
  }

  #signature(
    name: string,
    args: readonly NativeArgument[],
  ): { library: string; funcName: string; paramsType: NativeType[]; paramsValue: unknown[] } {
    return {
      library: this.#name,
      funcName: name,
      paramsType: args.map((arg) => this.#typeOf(arg)),
      // Unsigned numbers go through the same registers as the ints of the same bits.
      paramsValue: args.map((arg) =>
        typeof arg === 'number' ? arg | 0 : arg instanceof Uint8Array ? asBuffer(arg) : arg,
      ),
    };
  }
  #typeOf(arg: NativeArgument): NativeType {
    const { DataType } = this.#ffi;
    if (typeof arg === 'number') return DataType.I32;
    return arg instanceof Uint8Array ? DataType.U8Array : DataType.External;
  }
}
