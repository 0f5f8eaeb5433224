/**
 * What a request may change about the sockets of a tunnel: nothing. They were opened on the host
 * before there was an engine, and from inside there is no way to open others there.
 *
 * A configuration without a port asks for port 0, which means any: that is the port there is. A mark
 * is kept to be told, and has no effect: no privilege on the host could set it, and there is no need,
 * since the tunnel's own datagrams can't be routed into the tunnel.
 */
import { UAPI_ERRNO, type UapiErrno } from '../uapi.ts';
import type { ControlledSockets, SocketsUpdate } from './control.ts';

/** The two sockets of a tunnel, as requests see them. */
export class TunnelSockets implements ControlledSockets {
  readonly listenPort: number;
  #fwmark = 0;

  constructor(listenPort: number) {
    this.listenPort = listenPort;
  }

  get fwmark(): number {
    return this.#fwmark;
  }

  update({ listenPort = 0, fwmark = this.#fwmark }: SocketsUpdate): UapiErrno {
    if (listenPort !== 0 && listenPort !== this.listenPort) return UAPI_ERRNO.inputOutput;
    this.#fwmark = fwmark;
    return UAPI_ERRNO.ok;
  }
}
