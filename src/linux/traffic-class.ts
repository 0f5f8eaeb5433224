/** The class that a UDP socket gives its datagrams: DSCP and ECN (ip(7), ipv6(7)). */
import { setSocketOption } from './ffi.ts';

const IPPROTO_IP = 0;
const IP_TOS = 1;
const IPPROTO_IPV6 = 41;
const IPV6_TCLASS = 67;

/** Sets the byte for all that is sent from now on. */
export function setTrafficClass(fd: number, family: 4 | 6, value: number): void {
  if (family === 4) setSocketOption(fd, IPPROTO_IP, IP_TOS, value);
  else setSocketOption(fd, IPPROTO_IPV6, IPV6_TCLASS, value);
}
