/**
 * Offloads that a pump switches on, and that outlive its engine with the descriptors: super-packets of
 * the TUN (TUNSETOFFLOAD), and datagrams that come many at once (UDP_GRO, udp(7)). A pump switches them
 * off when it stops; one that was killed did not.
 */
import { setSocketOption, setTunOffload } from './ffi.ts';

const IPPROTO_UDP = 17;
const UDP_GRO = 104;

/** Has a TUN give and take plain packets only. */
export function endOffloads(tun: number): void {
  attempt(() => {
    setTunOffload(tun, 0);
  });
}

/** Has a UDP socket give single datagrams only. */
export function endGrouping(socket: number): void {
  attempt(() => {
    setSocketOption(socket, IPPROTO_UDP, UDP_GRO, 0);
  });
}

/** A kernel that doesn't know the offload has it off. */
function attempt(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
}
