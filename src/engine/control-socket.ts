/**
 * The control socket: WireGuard's cross-platform text protocol, and two requests of ours.
 *
 *   get=1            the state; private and preshared keys are withheld, because this socket belongs to
 *                    the same user as the wrapped commands
 *   set=1            changes keys and peers; checked as a whole before any of it is applied
 *   status=1         how the engine is, as one line of JSON (engine-status.ts)
 *   wait=MS          answered at the first handshake, or after MS milliseconds with what was observed
 *
 * A request ends with an empty line, and so does its answer. One request at a time on a connection;
 * the bounds below hold for whatever a client sends. A client may say that it sends no more: it gets
 * the answers to what it sent. Only one that waits is taken to have gone, as it looks the same.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { formatErrno, UAPI_ERRNO } from '../uapi.ts';

const MAX_CONNECTIONS = 64;
const MAX_LINE_CHARACTERS = 4096;
const MAX_REQUEST_CHARACTERS = 16 << 20;
const QUIET_MS = 10_000;
const MAX_WAIT_MS = 24 * 3600 * 1000;

/** Answers requests. Every answer ends with an empty line. */
export interface ControlListener {
  onGet(): string;
  onSet(request: string): string | Promise<string>;
  onStatus(): string;
  /** Resolves at the first handshake or after `milliseconds`; `signal` says the client has gone. */
  onWait(milliseconds: number, signal: AbortSignal): Promise<string>;
}

/**
 * Serves the listening socket `fd`. `isWelcome` is asked with the descriptor of each connection; one
 * that isn't gets no answer.
 */
export function serveControlSocket(
  fd: number,
  listener: ControlListener,
  isWelcome: (fd: number) => boolean = () => true,
): Server {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const connection = descriptorOf(socket);
    if (connection !== undefined && isWelcome(connection)) new Connection(socket, listener).start();
    else socket.destroy();
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.listen({ fd });
  return server;
}

/** Node knows the number and has no public name for it. */
function descriptorOf(socket: Socket): number | undefined {
  return (socket as { readonly _handle?: { readonly fd?: number } })._handle?.fd;
}

/**
 * One client. What it sends is kept in the pieces in which it came until a request is complete, and
 * searched once. No answer is made before the client has taken the one before: who asks and doesn't
 * read is held back by the kernel, and in the end closed.
 */
class Connection {
  readonly #socket: Socket;
  readonly #listener: ControlListener;
  readonly #gone: AbortController = new AbortController();
  #pieces: string[] = [];
  #length = 0;
  /** Characters of the last line, which has no end yet. */
  #lineLength = 0;
  #hasRequest = false;
  #isBusy = false;
  #isWaiting = false;
  #isDraining = false;
  /** The client sends no more. */
  #isEnded = false;

  constructor(socket: Socket, listener: ControlListener) {
    this.#socket = socket;
    this.#listener = listener;
  }

  start(): void {
    this.#socket.setEncoding('utf8');
    this.#socket.setTimeout(QUIET_MS, () => {
      if (!this.#isBusy) this.#socket.destroy();
    });
    this.#socket.on('error', () => this.#socket.destroy());
    this.#socket.on('close', () => {
      this.#gone.abort();
    });
    this.#socket.on('data', (text: string) => {
      this.#keep(text);
      this.#answerNext();
    });
    this.#socket.on('end', () => {
      this.#isEnded = true;
      if (this.#isWaiting) this.#socket.destroy();
      else this.#answerNext();
    });
    this.#socket.on('drain', () => {
      this.#isDraining = false;
      this.#socket.resume();
      this.#answerNext();
    });
  }

  #keep(text: string): void {
    const joins = text.startsWith('\n') && this.#pieces.at(-1)?.endsWith('\n') === true;
    if (joins || text.includes('\n\n')) this.#hasRequest = true;
    const newline = text.lastIndexOf('\n');
    this.#lineLength = newline < 0 ? this.#lineLength + text.length : text.length - 1 - newline;
    this.#pieces.push(text);
    this.#length += text.length;
  }

  /** Takes the first complete request, up to its empty line. */
  #takeRequest(): string {
    const text = this.#pieces.join('');
    const end = text.indexOf('\n\n');
    this.#pieces = [];
    this.#length = 0;
    this.#lineLength = 0;
    this.#hasRequest = false;
    if (end + 2 < text.length) this.#keep(text.slice(end + 2));
    return text.slice(0, end + 1);
  }

  /** Answers one complete request, if there is one and none is being answered. */
  #answerNext(): void {
    if (!this.#hasRequest || this.#isBusy) {
      const isTooLong = !this.#hasRequest && this.#lineLength > MAX_LINE_CHARACTERS;
      if (isTooLong || this.#length > MAX_REQUEST_CHARACTERS) this.#socket.destroy();
      else if (this.#isEnded && !this.#isBusy) this.#socket.end();
      return;
    }
    if (this.#isDraining || this.#socket.destroyed) return;
    this.#isBusy = true;
    this.#answer(this.#takeRequest()).then(
      (answer) => {
        this.#isBusy = false;
        this.#send(answer);
        this.#answerNext();
      },
      // A client that has gone aborts its wait; any other failure is a bug and must not pass unseen.
      (error: unknown) => {
        if (!this.#gone.signal.aborted) throw error;
      },
    );
  }

  #send(answer: string): void {
    if (this.#socket.destroyed || this.#socket.write(answer)) return;
    this.#isDraining = true;
    this.#socket.pause();
  }

  async #answer(request: string): Promise<string> {
    const newline = request.indexOf('\n');
    const first = request.slice(0, newline);
    if (first === 'set=1') return this.#listener.onSet(request);
    const hasMore = newline + 1 < request.length;
    if (first === 'get=1') {
      return hasMore ? formatErrno(UAPI_ERRNO.invalid) : this.#listener.onGet();
    }
    if (first === 'status=1') {
      return hasMore ? formatErrno(UAPI_ERRNO.invalid) : this.#listener.onStatus();
    }
    const wait = /^wait=(\d{1,9})$/.exec(first);
    if (wait && !hasMore) {
      const milliseconds = Math.min(Number(wait[1]), MAX_WAIT_MS);
      return this.#wait(milliseconds);
    }
    return formatErrno(UAPI_ERRNO.protocol);
  }

  async #wait(milliseconds: number): Promise<string> {
    this.#isWaiting = true;
    if (this.#isEnded) this.#socket.destroy();
    try {
      return await this.#listener.onWait(milliseconds, this.#gone.signal);
    } finally {
      this.#isWaiting = false;
    }
  }
}
