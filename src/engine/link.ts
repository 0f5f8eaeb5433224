/**
 * The link of a device, as the launcher tells of it.
 *
 * A link that went down and up again may be told of when it is long up: packets that came with it have
 * gone out by then, and would lose their answers to new sockets and keys. So a word that it went down
 * waits for those that have come with it; one that it is up again takes it back, and the device goes on
 * as if nobody had seen it, which is as likely.
 */

/** What a link's state is to change. */
export interface LinkListener {
  onUp(): void;
  onDown(): void;
}

/** One link; at first it is down. */
export class Link {
  readonly #listener: LinkListener;
  #descent: NodeJS.Immediate | undefined;

  constructor(listener: LinkListener) {
    this.#listener = listener;
  }

  /** The launcher says that it is up. */
  wentUp(): void {
    if (!this.#descent) {
      this.#listener.onUp();
      return;
    }
    clearImmediate(this.#descent);
    this.#descent = undefined;
  }

  /** The launcher says that it is down. */
  wentDown(): void {
    this.#descent ??= setImmediate(() => {
      this.#descent = undefined;
      this.#listener.onDown();
    });
  }
}
