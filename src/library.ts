/**
 * What embedders import: WireGuard without any input or output of its own.
 *
 * A `Device` is the protocol: bytes and the time go in, bytes come out, and nothing happens in between.
 * A `DeviceAdapter` runs one over functions. The rest is what the two of them take and give, and text
 * forms of it. Only what is exported here is kept from one version to the next; docs/library.md shows
 * how to use it.
 */
export type {
  AllowedIPUpdate,
  DeviceStatus,
  DeviceUpdate,
  PeerStatus,
  PeerUpdate,
} from './wireguard/device.ts';
export type { Endpoint, Entropy, Millis, Outputs, WallClock, X25519 } from './wireguard/ports.ts';
export { DROP_REASONS, type DropCounters, type DropReason } from './wireguard/drop-reason.ts';
export { x25519 } from './wireguard/x25519.ts';
export { PacketSlot } from './slot.ts';

export { Device, type DeviceOptions } from './library/device.ts';
export { DeviceAdapter, type AdapterPorts } from './library/adapter.ts';
export { PacketCapture, type CaptureOptions, type PacketSink } from './library/pcap.ts';

export { abbreviateKey, formatKey, KEY_BYTES, parseKey } from './key.ts';
export {
  formatAddress,
  formatPrefix,
  formatSocketAddress,
  maskPrefix,
  parseAddress,
  parsePrefix,
  parseSocketAddress,
  prefixContains,
  UdpEndpoint,
  type Address,
  type Prefix,
  type SocketAddress,
} from './ip.ts';
