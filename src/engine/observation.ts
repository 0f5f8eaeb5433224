/**
 * What was seen on the wire before the first handshake. WireGuard is silent about failures, so the
 * reason why there is no connection has to be read from what did and what did not come back.
 */

/** Counts of messages since the engine started. */
export interface Observed {
  readonly initiationsSent: number;
  readonly responsesReceived: number;
  readonly cookieRepliesReceived: number;
  /** Datagrams that are no message of WireGuard's. */
  readonly foreignReceived: number;
}

const INITIATION = 1;
const LAST_TYPE = 4;

/** Whether a datagram of ours begins a handshake. */
export function isInitiation(datagram: Uint8Array): boolean {
  return datagram[0] === INITIATION;
}

/** Counts messages by their type byte. */
export class Observation implements Observed {
  initiationsSent = 0;
  responsesReceived = 0;
  cookieRepliesReceived = 0;
  foreignReceived = 0;

  /** Takes note of a datagram on its way out. */
  sent(datagram: Uint8Array): void {
    if (isInitiation(datagram)) this.initiationsSent++;
  }

  /** Takes note of a datagram that came in, whoever sent it. */
  received(datagram: Uint8Array): void {
    const type = datagram.length < 4 ? 0 : datagram[0];
    if (type === 2) this.responsesReceived++;
    else if (type === 3) this.cookieRepliesReceived++;
    else if (type < INITIATION || type > LAST_TYPE) this.foreignReceived++;
  }
}
