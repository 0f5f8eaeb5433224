/** The host's sockets for one tunnel, on the port that the configuration asks for. */
import { setTimeout as delay } from 'node:timers/promises';
import type { InterfaceConfig } from '../config/config.ts';
import { WgWrapError } from '../errors.ts';
import { SystemCallError } from '../linux/ffi.ts';
import { openHostSockets, type HostSockets } from '../linux/host-sockets.ts';

/** How long a port may stay busy: a tunnel that is just ending frees it. */
const PATIENCE_MS = 1000;
const PAUSE_MS = 50;

/**
 * Opens them, trying again for a second while the port is busy.
 * @throws {WgWrapError} `setup`, if it stays so or the host has no UDP.
 */
export async function openListenPort(shown: string, config: InterfaceConfig): Promise<HostSockets> {
  for (let waited = 0; ; waited += PAUSE_MS) {
    try {
      return openHostSockets(config.listenPort);
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      if (error.code !== 'EADDRINUSE' || waited >= PATIENCE_MS) throw refused(shown, config, error);
    }
    await delay(PAUSE_MS);
  }
}

function refused(shown: string, config: InterfaceConfig, error: SystemCallError): WgWrapError {
  const port = `ListenPort ${config.listenPort}`;
  const place = `${shown}:${config.lines.listenPort ?? 0}: `;
  switch (error.code) {
    case 'EADDRINUSE':
      return new WgWrapError('setup', `${place}${port} is in use on this host`);
    case 'EACCES':
      return new WgWrapError(
        'setup',
        `${place}${port} is not open to you (${error.message}); leave it out, or use one from 1024 on`,
      );
    default:
      return new WgWrapError('setup', `cannot open a UDP socket (${error.message})`);
  }
}
