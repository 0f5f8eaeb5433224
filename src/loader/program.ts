/**
 * A program of ours as V8 takes it: its text, and the code that V8 made of it when it was built.
 *
 * Compiling is the larger part of what a start costs beyond Node's own, so the build does it, all functions
 * at once. V8 uses such code only if it is complete, of the same version, and made with the same flags. It
 * does not compare the texts, only their lengths; so the file with the code begins with the text it
 * was made of. Whatever doesn't fit is left aside, and V8 compiles: slower, and otherwise the same.
 */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';

/** What Node's own loader of CommonJS gives to a file. */
export type ProgramFunction = (
  exports: object,
  require: NodeJS.Require,
  module: object,
  filename: string,
  dirname: string,
) => void;

/** The program's text as a script whose result is a {@link ProgramFunction}. */
export function loadProgram(path: string, codePath: string): Script {
  const text = readFileSync(path);
  return toScript(path, text, codeFor(text, codePath));
}

/** What belongs into the file with the code: the text, then V8's code with every function in it. */
export function compileProgram(path: string): Uint8Array {
  const text = readFileSync(path);
  setFlagsFromString('--no-lazy');
  const script = toScript(path, text, undefined);
  // The code is marked with the flags of this moment, and they must be those of a start.
  setFlagsFromString('--lazy');
  return Buffer.concat([text, script.createCachedData()]);
}

function toScript(path: string, text: Buffer, code: Buffer | undefined): Script {
  const head = '(function (exports, require, module, __filename, __dirname) {';
  return new Script(`${head}${text.toString()}\n})`, {
    filename: path,
    ...(code && { cachedData: code }),
  });
}

/** The code for a text, if the file has it. */
function codeFor(text: Buffer, codePath: string): Buffer | undefined {
  let file: Buffer;
  try {
    file = readFileSync(codePath);
  } catch {
    // Built without, or removed: there is nothing that it would be needed for.
    return undefined;
  }
  return file.subarray(0, text.length).equals(text) ? file.subarray(text.length) : undefined;
}
