/**
 * What a terminal shows after some output: as much of xterm as the product's page uses. An escape
 * sequence that it doesn't know is an error, so that nothing unforeseen passes for text.
 */

const SEQUENCE = /\x1b\[(\??)([\d;]*)([A-Za-z])/y;

/** A terminal's page. */
export class Screen {
  isAlternate = false;
  hasCursor = true;
  wraps = true;
  #cells: string[][];
  #row = 0;
  #column = 0;
  readonly #rows: number;
  readonly #columns: number;

  private constructor(rows: number, columns: number) {
    this.#rows = rows;
    this.#columns = columns;
    this.#cells = this.#blank();
  }

  /** The page after all of `output`. */
  static of(output: string, rows: number, columns: number): Screen {
    const screen = new Screen(rows, columns);
    let at = 0;
    while (at < output.length) at = screen.#take(output, at);
    return screen;
  }

  /** Its lines, without the blanks at their ends. */
  get lines(): readonly string[] {
    return this.#cells.map((row) => row.join('').trimEnd());
  }

  #blank(): string[][] {
    return Array.from({ length: this.#rows }, () => this.#blankRow());
  }

  #blankRow(): string[] {
    return Array.from({ length: this.#columns }, () => ' ');
  }

  #take(output: string, at: number): number {
    const character = String.fromCodePoint(output.codePointAt(at) ?? 0);
    if (character === '\x1b') {
      SEQUENCE.lastIndex = at;
      const match = SEQUENCE.exec(output);
      // The rest of it may still be on its way.
      if (!match) return output.length;
      this.#obey(`${match[1]}${match[3]}`, match[2]);
      return at + match[0].length;
    }
    if (character === '\r') this.#column = 0;
    else if (character === '\n') this.#newLine();
    else this.#print(character);
    return at + character.length;
  }

  #obey(command: string, argument: string): void {
    switch (command) {
      case '?h':
      case '?l':
        return this.#setMode(argument, command === '?h');
      case 'H':
        this.#row = this.#column = 0;
        return;
      case 'K':
        this.#cells[this.#row].fill(' ', this.#column);
        return;
      case 'J':
        this.#cells[this.#row].fill(' ', this.#column);
        for (let row = this.#row + 1; row < this.#rows; row++) this.#cells[row] = this.#blankRow();
        return;
      case 'm':
        return;
      default:
        throw new Error(`an unknown sequence: ESC [ ${argument} ${command}`);
    }
  }

  #setMode(mode: string, isOn: boolean): void {
    if (mode === '25') this.hasCursor = isOn;
    else if (mode === '7') this.wraps = isOn;
    else if (mode === '1049') {
      this.isAlternate = isOn;
      this.#cells = this.#blank();
      this.#row = this.#column = 0;
    } else throw new Error(`an unknown mode: ${mode}`);
  }

  #newLine(): void {
    this.#row++;
    if (this.#row < this.#rows) return;
    this.#row = this.#rows - 1;
    this.#cells.shift();
    this.#cells.push(this.#blankRow());
  }

  #print(character: string): void {
    if (this.#column >= this.#columns) {
      if (!this.wraps) return;
      this.#column = 0;
      this.#newLine();
    }
    this.#cells[this.#row][this.#column] = character;
    this.#column++;
  }
}
