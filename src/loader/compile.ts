/** For the build: `node compile.js PROGRAM CODE` writes the code of a program. */
import { writeFileSync } from 'node:fs';
import { compileProgram } from './program.ts';

const [, , program, code] = process.argv;
writeFileSync(code, compileProgram(program));
