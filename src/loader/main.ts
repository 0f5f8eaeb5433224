/**
 * What Node is started with, as `controller.js` and as `engine.js`: runs the program beside this file.
 *
 *   NAME.js           this loader
 *   NAME.program.js   the program
 *   NAME.code         what V8 made of it (program.ts)
 */
import { loadProgram, type ProgramFunction } from './program.ts';

const base = import.meta.filename.replace(/\.js$/, '');
const program = `${base}.program.js`;
const script = loadProgram(program, `${base}.code`);
// The script is nothing but this function.
const run = script.runInThisContext() as ProgramFunction;
const module = { exports: {} };
// It is in the same directory, so it finds the same packages.
run(module.exports, require, module, program, import.meta.dirname);
