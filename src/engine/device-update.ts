/** A request of the configuration protocol as the update that the core understands. */
import { formatAddress, UdpEndpoint } from '../ip.ts';
import type { UapiPeer, UapiSet } from '../uapi.ts';
import type { DeviceUpdate, PeerUpdate } from '../wireguard/device.ts';

/** Leaves out what is no business of the core's: port and mark belong to the sockets. */
export function deviceUpdate(set: UapiSet): DeviceUpdate {
  return {
    ...(set.privateKey && { privateKey: set.privateKey }),
    replacePeers: set.replacePeers,
    peers: set.peers.map(peerUpdate),
  };
}

function peerUpdate({ endpoint, ...peer }: UapiPeer): PeerUpdate {
  if (!endpoint) return peer;
  const { address, port, zone } = endpoint;
  const host = formatAddress(address);
  return {
    ...peer,
    endpoint: new UdpEndpoint(address, port, zone === undefined ? host : `${host}%${zone}`),
  };
}
