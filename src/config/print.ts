/**
 * A configuration as the text that means it: each key once, in one order, lists in one line. Reading
 * it back gives the same values.
 */
import { formatAddress, formatPrefix } from '../ip.ts';
import { formatKey } from '../key.ts';
import type { Config, EndpointConfig, InterfaceConfig, PeerConfig } from './config.ts';

/** Formats a configuration as canonical text, with its secrets: never for a log or a message. */
export function printConfig(config: Config): string {
  return [printInterface(config.interface), ...config.peers.map(printPeer)].join('\n');
}

function printInterface(device: InterfaceConfig): string {
  return printSection('Interface', {
    PrivateKey: formatKey(device.privateKey.reveal()),
    Address: device.addresses.map(formatPrefix),
    DNS: [...device.dnsServers.map(formatAddress), ...device.searchDomains],
    MTU: device.mtu,
    ListenPort: device.listenPort || undefined,
  });
}

function printPeer(peer: PeerConfig): string {
  return printSection('Peer', {
    PublicKey: formatKey(peer.publicKey),
    PresharedKey: peer.presharedKey && formatKey(peer.presharedKey.reveal()),
    AllowedIPs: peer.allowedIPs.map(formatPrefix),
    Endpoint: peer.endpoint && printEndpoint(peer.endpoint),
    PersistentKeepalive: peer.persistentKeepaliveSeconds || undefined,
    Reserved: peer.reserved?.join(','),
  });
}

function printSection(
  name: string,
  values: Readonly<Record<string, string | number | readonly string[] | undefined>>,
): string {
  const lines = Object.entries(values).flatMap(([key, value]) => {
    const text = typeof value === 'object' ? value.join(', ') : (value ?? '');
    return text === '' ? [] : [`${key} = ${text}\n`];
  });
  return `[${name}]\n${lines.join('')}`;
}

function printEndpoint({ host, port }: EndpointConfig): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
