/** Something that happens once, and that others may wait for before or after. */
export class Latch {
  isOpen = false;
  #resolve: () => void = () => undefined;
  readonly opened: Promise<void> = new Promise((resolve) => {
    this.#resolve = resolve;
  });

  open(): void {
    this.isOpen = true;
    this.#resolve();
  }
}
