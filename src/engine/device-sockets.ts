/**
 * The sockets of a device: open while its link is up, on the port and with the mark that requests ask
 * for.
 *
 * A port that was chosen freely is kept, so that peers find the device again after its link was down.
 * New sockets are open and marked before the old ones are closed: where that fails, nothing has
 * changed. The same port needs no new sockets, and keeps those it has.
 */
import { SystemCallError } from '../linux/ffi.ts';
import { markSockets, openHostSockets, type HostSockets } from '../linux/host-sockets.ts';
import { UAPI_ERRNO, type UapiErrno } from '../uapi.ts';
import type { ControlledSockets, SocketsUpdate } from './control.ts';

/** Takes descriptors over, in place of those before. */
export type UseSockets = (udp4: number, udp6: number) => void;

/** The two sockets of a device. */
export class DeviceSockets implements ControlledSockets {
  readonly #use: UseSockets;
  #isUp = false;
  #open: HostSockets | undefined;
  #listenPort = 0;
  #fwmark = 0;

  constructor(use: UseSockets) {
    this.#use = use;
  }

  /** 0 as long as none was asked for and the link was never up. */
  get listenPort(): number {
    return this.#listenPort;
  }

  get fwmark(): number {
    return this.#fwmark;
  }

  update({ listenPort = this.#listenPort, fwmark = this.#fwmark }: SocketsUpdate): UapiErrno {
    try {
      const isMoved = this.#open === undefined || listenPort !== this.#listenPort;
      if (this.#isUp && isMoved) this.#reopen(listenPort, fwmark);
      else this.#remark(fwmark);
    } catch (error) {
      return errnoOf(error);
    }
    if (!this.#isUp) this.#listenPort = listenPort;
    this.#fwmark = fwmark;
    return UAPI_ERRNO.ok;
  }

  /**
   * Opens the sockets, as the link is up.
   * @throws {SystemCallError} EADDRINUSE if the port is taken: a later request may name another.
   */
  up(): void {
    this.#isUp = true;
    if (!this.#open) this.#reopen(this.#listenPort, this.#fwmark);
  }

  /** Forgets the sockets, which the loop has closed. */
  down(): void {
    this.#isUp = false;
    this.#open = undefined;
  }

  #reopen(port: number, mark: number): void {
    const opened = openHostSockets(port);
    try {
      if (mark !== 0) markSockets(opened, mark);
    } catch (error) {
      opened.close();
      throw error;
    }
    this.#use(opened.udp4, opened.udp6);
    this.#open = opened;
    this.#listenPort = opened.port;
  }

  #remark(mark: number): void {
    if (!this.#open || mark === this.#fwmark) return;
    try {
      markSockets(this.#open, mark);
    } catch (error) {
      // The first of the two may have the new mark already.
      markSockets(this.#open, this.#fwmark);
      throw error;
    }
  }
}

/** The errno that an answer gives for a system call that failed; other errors are bugs. */
function errnoOf(error: unknown): UapiErrno {
  if (!(error instanceof SystemCallError)) throw error;
  return error.code === 'EADDRINUSE' ? UAPI_ERRNO.addressInUse : UAPI_ERRNO.inputOutput;
}
