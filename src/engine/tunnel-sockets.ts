/**
 * The sockets of a tunnel. They are the host's: opened there before there was an engine, and from
 * inside there is no way to open others there, so the pin is asked for them.
 *
 *   renewed   after the host's network has changed: the same port, or any if it is taken by now. Ours
 *             are closed first, so until the others are here nothing is sent or received
 *   moved     to another port, as a request wants: ours stay until the others are here
 *
 * Questions are numbered, and an answer names its question: one that comes when nobody waits for it
 * any more is dropped with its descriptors. The pin may answer late, because the host was busy, or not
 * at all, because the channel was full. A move is refused then. A renewal can't be given up, since there
 * are no sockets: the same question is asked again, which gets the same sockets if the pin had them
 * already, after pauses that grow up to half a minute.
 *
 * A configuration without a port asks for port 0, which means any: that is the port there is. A mark
 * is kept to be told, and has no effect: no privilege on the host could set it, and there is no need,
 * since the tunnel's own datagrams can't be routed into the tunnel.
 */
import { UAPI_ERRNO, type UapiErrno } from '../uapi.ts';
import type { ControlledSockets, SocketsUpdate } from './control.ts';

/** How long the pin may take. */
const PATIENCE_MS = 5_000;
/** Before a renewal is asked for again. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/** A question to the pin: the port of before, or another one. */
export type SocketsQuestion = `sockets ${number}` | `sockets ${number} ${number}`;

/** What the sockets are to their owner. */
export interface TunnelSocketsPorts {
  /** Asks the pin. */
  readonly ask: (question: SocketsQuestion) => void;
  /** Takes descriptors over, in place of those before; undefined for a family that is missing. */
  readonly use: (udp4: number | undefined, udp6: number | undefined) => void;
  /** Closes those in use. */
  readonly close: () => void;
  /** Closes a descriptor that is not used. */
  readonly drop: (fd: number) => void;
  /** There are sockets after a renewal. */
  readonly onRenewed: () => void;
  /** There are none for the moment: the name of an errno, or undefined if the pin says nothing. */
  readonly onMissing: (code: string | undefined) => void;
}

/** What the pin was asked, and has handed over so far. */
class Question {
  readonly number: number;
  readonly answer: (errno: UapiErrno, code?: string) => void;
  readonly #handed = new Map<4 | 6, number>();

  constructor(number: number, answer: Question['answer']) {
    this.number = number;
    this.answer = answer;
  }

  /** Keeps a descriptor; returns the one that it replaces. */
  hand(family: 4 | 6, fd: number): number | undefined {
    const former = this.#handed.get(family);
    this.#handed.set(family, fd);
    return former;
  }

  /** Gives away what was handed over: IPv4, IPv6. */
  take(): readonly [number | undefined, number | undefined] {
    const taken = [this.#handed.get(4), this.#handed.get(6)] as const;
    this.#handed.clear();
    return taken;
  }
}

/** The two sockets of a tunnel. */
export class TunnelSockets implements ControlledSockets {
  readonly #ports: TunnelSocketsPorts;
  #listenPort: number;
  #fwmark = 0;
  #asked = 0;
  /** Those that wait for an answer, by number. */
  readonly #questions = new Map<number, Question>();
  #renewal: Question | undefined;
  /** Of the renewal: until the pin has taken too long, or until it is asked again. */
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #isAsking = false;
  /** How many moves wait for their answers. */
  #moves = 0;
  /** A renewal was wanted meanwhile. */
  #isRenewalDue = false;
  #isMissing = false;

  constructor(listenPort: number, ports: TunnelSocketsPorts) {
    this.#listenPort = listenPort;
    this.#ports = ports;
  }

  get listenPort(): number {
    return this.#listenPort;
  }

  get fwmark(): number {
    return this.#fwmark;
  }

  /** Whether there are none, since the pin had none to give; it is asked again. */
  get isMissing(): boolean {
    return this.#isMissing;
  }

  async update({ listenPort = 0, fwmark = this.#fwmark }: SocketsUpdate): Promise<UapiErrno> {
    if (listenPort !== 0 && listenPort !== this.#listenPort) {
      const errno = await this.#move(listenPort);
      if (errno !== UAPI_ERRNO.ok) return errno;
    }
    this.#fwmark = fwmark;
    return UAPI_ERRNO.ok;
  }

  /**
   * Asks for others in place of those in use. While the pin is being asked it isn't asked again. Nor is
   * it during a move: what that gives would hold the port which it is then asked for.
   */
  renew(): void {
    if (this.#isAsking) return;
    if (this.#moves > 0) {
      this.#isRenewalDue = true;
      return;
    }
    this.#endRenewal();
    this.#ports.close();
    const renewal = this.#question((errno, code) => {
      if (errno === UAPI_ERRNO.ok) this.#renewed();
      else this.#missed(code);
    });
    this.#renewal = renewal;
    this.#askForRenewal(renewal);
  }

  /** The pin has handed a socket over. */
  handed(number: number, family: 4 | 6, fd: number): void {
    const question = this.#questions.get(number);
    const unused = question ? question.hand(family, fd) : fd;
    if (unused !== undefined) this.#ports.drop(unused);
  }

  /** The pin has handed over what there is, on this port. Returns whether anybody waits for it. */
  opened(number: number, port: number): boolean {
    const question = this.#questions.get(number);
    if (!question) return false;
    this.#questions.delete(number);
    this.#listenPort = port;
    this.#ports.use(...question.take());
    question.answer(UAPI_ERRNO.ok);
    // By a move. To a renewal that is being asked for there will be an answer of its own.
    if (this.#isMissing && !this.#isAsking) this.#renewed();
    return true;
  }

  /** The pin could not open what it was asked for. */
  failed(number: number, code: string): void {
    const errno = code === 'EADDRINUSE' ? UAPI_ERRNO.addressInUse : UAPI_ERRNO.inputOutput;
    this.#questions.get(number)?.answer(errno, code);
  }

  #question(answer: Question['answer']): Question {
    const question = new Question(++this.#asked, answer);
    this.#questions.set(question.number, question);
    return question;
  }

  /** Has nobody wait for an answer any more. */
  #forget(question: Question): void {
    this.#questions.delete(question.number);
    for (const fd of question.take()) if (fd !== undefined) this.#ports.drop(fd);
  }

  #askForRenewal({ number }: Question): void {
    this.#isAsking = true;
    this.#timer = setTimeout(() => {
      this.#missed(undefined);
    }, PATIENCE_MS);
    this.#ports.ask(`sockets ${number}`);
  }

  #renewed(): void {
    this.#endRenewal();
    this.#ports.onRenewed();
  }

  /** A word that comes twice, or late, changes nothing: the next attempt is under way. */
  #missed(code: string | undefined): void {
    const renewal = this.#renewal;
    if (!renewal || !this.#isAsking) return;
    clearTimeout(this.#timer);
    this.#isAsking = false;
    this.#isMissing = true;
    this.#timer = setTimeout(() => {
      if (this.#moves > 0) this.#isRenewalDue = true;
      else this.#askForRenewal(renewal);
    }, this.#pauseMs);
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    this.#ports.onMissing(code);
  }

  #endRenewal(): void {
    clearTimeout(this.#timer);
    if (this.#renewal) this.#forget(this.#renewal);
    this.#renewal = undefined;
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#isAsking = false;
    this.#isMissing = false;
  }

  async #move(port: number): Promise<UapiErrno> {
    this.#moves++;
    const errno = await this.#askForMove(port);
    this.#moves--;
    // New sockets are what a renewal would give.
    if (errno === UAPI_ERRNO.ok) this.#isRenewalDue = false;
    if (this.#isRenewalDue && this.#moves === 0) {
      this.#isRenewalDue = false;
      this.renew();
    }
    return errno;
  }

  async #askForMove(port: number): Promise<UapiErrno> {
    return await new Promise<UapiErrno>((resolve) => {
      const question = this.#question((errno) => {
        clearTimeout(timer);
        this.#forget(question);
        resolve(errno);
      });
      const timer = setTimeout(question.answer, PATIENCE_MS, UAPI_ERRNO.inputOutput);
      this.#ports.ask(`sockets ${question.number} ${port}`);
    });
  }
}
