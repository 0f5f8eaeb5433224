/** An endpoint as a configuration has it. */
import type { EndpointConfig } from '../config/config.ts';

/** `HOST:PORT`, with an IPv6 address in brackets. */
export function endpointText({ host, port }: EndpointConfig): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
