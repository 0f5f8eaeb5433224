/**
 * The sockets of a tunnel. They are the host's: opened there before there was an engine, and from
 * inside there is no way to open others there, so the pin is asked for them.
 *
 *   renewed   after the host's network has changed: the same port, or any if it is taken by now. Ours
 *             are closed first, so until the others are here nothing is sent or received
 *   moved     to another port, as a request wants: ours stay until the others are here
 *
 * A configuration without a port asks for port 0, which means any: that is the port there is. A mark
 * is kept to be told, and has no effect: no privilege on the host could set it, and there is no need,
 * since the tunnel's own datagrams can't be routed into the tunnel.
 */
import { UAPI_ERRNO, type UapiErrno } from '../uapi.ts';
import type { ControlledSockets, SocketsUpdate } from './control.ts';

/** How long the pin may take. */
const PATIENCE_MS = 5_000;

/** What the sockets are to their owner. */
export interface TunnelSocketsPorts {
  /** Asks the pin. */
  readonly ask: (request: 'sockets' | `sockets ${number}`) => void;
  /** Takes descriptors over, in place of those before; undefined for a family that is missing. */
  readonly use: (udp4: number | undefined, udp6: number | undefined) => void;
  /** Closes those in use. */
  readonly close: () => void;
  /** There are new ones, or there could be none. */
  readonly onAnswer: () => void;
}

/** The two sockets of a tunnel. */
export class TunnelSockets implements ControlledSockets {
  readonly #ports: TunnelSocketsPorts;
  #listenPort: number;
  #fwmark = 0;
  readonly #handed = new Map<4 | 6, number>();
  /** Those who wait for the pin's answer, in the order in which it was asked. */
  #waiting: ((errno: UapiErrno) => void)[] = [];
  #isMissing = false;
  #isRenewing = false;

  constructor(listenPort: number, ports: TunnelSocketsPorts) {
    this.#listenPort = listenPort;
    this.#ports = ports;
  }

  get listenPort(): number {
    return this.#listenPort;
  }

  get fwmark(): number {
    return this.#fwmark;
  }

  /** Whether the pin could give none when it was last asked to renew them. */
  get isMissing(): boolean {
    return this.#isMissing;
  }

  async update({ listenPort = 0, fwmark = this.#fwmark }: SocketsUpdate): Promise<UapiErrno> {
    if (listenPort !== 0 && listenPort !== this.#listenPort) {
      const errno = await this.#move(listenPort);
      if (errno !== UAPI_ERRNO.ok) return errno;
    }
    this.#fwmark = fwmark;
    return UAPI_ERRNO.ok;
  }

  /** Asks for others in place of those in use; once at a time. */
  renew(): void {
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    this.#ports.close();
    this.#waiting.push((errno) => {
      this.#isRenewing = false;
      this.#isMissing = errno !== UAPI_ERRNO.ok;
    });
    this.#ports.ask('sockets');
  }

  /** The pin has handed a socket over. */
  handed(family: 4 | 6, fd: number): void {
    this.#handed.set(family, fd);
  }

  /** The pin has handed over what there is, on this port. */
  opened(port: number): void {
    const [udp4, udp6] = [this.#handed.get(4), this.#handed.get(6)];
    this.#handed.clear();
    this.#listenPort = port;
    this.#ports.use(udp4, udp6);
    this.#answer(UAPI_ERRNO.ok);
  }

  /** The pin could not open what it was asked for. */
  failed(code: string): void {
    this.#answer(code === 'EADDRINUSE' ? UAPI_ERRNO.addressInUse : UAPI_ERRNO.inputOutput);
  }

  #answer(errno: UapiErrno): void {
    this.#waiting.shift()?.(errno);
    this.#ports.onAnswer();
  }

  async #move(port: number): Promise<UapiErrno> {
    let timer: NodeJS.Timeout | undefined;
    const errno = await new Promise<UapiErrno>((resolve) => {
      this.#waiting.push(resolve);
      timer = setTimeout(resolve, PATIENCE_MS, UAPI_ERRNO.inputOutput);
      this.#ports.ask(`sockets ${port}`);
    });
    clearTimeout(timer);
    return errno;
  }
}
