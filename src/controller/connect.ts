/**
 * Waits for the first handshake, and says why there is none.
 *
 * WireGuard answers nothing to what it doesn't accept, so the reason is put together from what the
 * engine saw on the wire and from what the host says to a datagram of our own.
 */
import { WgWrapError } from '../errors.ts';
import { formatAddress, formatSocketAddress, type SocketAddress } from '../ip.ts';
import { askEngine, ControlSocketError } from '../linux/control-client.ts';
import { probeEndpoint } from '../linux/probe.ts';
import { parseGet } from '../uapi-status.ts';

/** How long an engine may take to answer, beyond what it was asked to wait. */
const PATIENCE_MS = 3000;

/** What the wait is about. */
export interface ConnectRequest {
  /** Path of the control socket. */
  readonly controlSocket: string;
  /** The whole time that the user gave, for the message. */
  readonly timeoutMs: number;
  /** What is left of it. */
  readonly remainingMs: number;
  /** When the configuration was last changed, in milliseconds since the Unix epoch. */
  readonly configModifiedMs: number;
}

/**
 * Resolves at the first handshake.
 * @throws {WgWrapError} `notConnected` with the reason, when the time is over.
 */
export async function waitForHandshake(request: ConnectRequest): Promise<void> {
  const deadline = performance.now() + request.remainingMs;
  const left = (): number => Math.max(0, Math.round(deadline - performance.now()));
  const answer = parseAnswer(
    await ask(request.controlSocket, () => `wait=${left()}\n\n`, left() + PATIENCE_MS),
  );
  if (answer.get('connected') === 'true') return;
  throw new WgWrapError('notConnected', await explain(request, answer));
}

/** One request to the engine, and its answer. */
async function ask(path: string, request: () => string, limitMs: number): Promise<string> {
  try {
    return await askEngine(path, request, limitMs);
  } catch (error) {
    if (!(error instanceof ControlSocketError)) throw error;
    const isSilent = error.code === 'ETIMEDOUT';
    const what = isSilent
      ? "tunnel's engine does not answer"
      : 'tunnel ended while it was waited for';
    throw new WgWrapError('setup', `the ${what} (${error.code})`, { cause: error });
  }
}

function parseAnswer(text: string): ReadonlyMap<string, string> {
  const lines = text.split('\n').filter((line) => line.includes('='));
  return new Map(
    lines.map((line) => {
      const equals = line.indexOf('=');
      return [line.slice(0, equals), line.slice(equals + 1)] as const;
    }),
  );
}

/** Where the engine sends to: the message is about the first peer that has an endpoint. */
async function firstEndpoint(controlSocket: string): Promise<SocketAddress | undefined> {
  const answer = parseGet(await ask(controlSocket, () => 'get=1\n\n', PATIENCE_MS));
  if (!answer.ok) return undefined;
  return answer.status.peers.find((peer) => peer.endpoint)?.endpoint;
}

/** The first reason that fits. */
async function explain(
  request: ConnectRequest,
  seen: ReadonlyMap<string, string>,
): Promise<string> {
  const seconds = `${request.timeoutMs / 1000} s`;
  const endpoint = await firstEndpoint(request.controlSocket);
  if (!endpoint) {
    return `no peer has spoken to us in ${seconds}, and none has an Endpoint to speak to`;
  }
  const number = (key: string): number => Number(seen.get(key) ?? 0);
  const shown = formatSocketAddress(endpoint);
  return (
    refusal(endpoint, await probeEndpoint(endpoint)) ??
    (number('responses_received') > 0
      ? 'the reply did not authenticate: PresharedKey missing or different'
      : undefined) ??
    (number('cookie_replies_received') > 0
      ? `the server is under load and asked us to retry; no handshake in ${seconds}`
      : undefined) ??
    (number('foreign_received') > 0 ? `${shown} answers, but not with WireGuard` : undefined) ??
    silence(request, number('initiations_sent'), seconds)
  );
}

function refusal(endpoint: SocketAddress, code: string | undefined): string | undefined {
  const address = formatAddress(endpoint.address);
  switch (code) {
    case 'ECONNREFUSED':
      return `${formatSocketAddress(endpoint)} refused the datagram: nothing listens there`;
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
      return `no route to ${address} on this host (IPv${endpoint.address.length === 4 ? 4 : 6})`;
    case 'EPERM':
    case 'EACCES':
      return `this host's firewall refused to send to ${formatSocketAddress(endpoint)}`;
    case 'EINVAL':
      return `no reply from ${formatSocketAddress(endpoint)} (EINVAL): a link-local address is good for one interface only, which Endpoint can't name`;
    default:
      return undefined;
  }
}

function silence(request: ConnectRequest, sent: number, seconds: string): string {
  const now = Date.now();
  if (now < request.configModifiedMs) {
    const date = new Date(now).toISOString().slice(0, 10);
    return `no reply, and this host's clock (${date}) looks wrong: a server ignores handshakes older than the last one`;
  }
  const handshakes = sent === 1 ? '1 handshake' : `${sent} handshakes`;
  return `no reply to ${handshakes} in ${seconds}: wrong port, blocked UDP, or a wrong key (a WireGuard server stays silent on keys it doesn't know)`;
}
