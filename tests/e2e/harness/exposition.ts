/**
 * A parser of Prometheus' text exposition format, version 0.0.4, as strict as its description: HELP and
 * TYPE once and before the samples, samples of a metric together, names and escapes as they must be, no
 * sample twice, a line feed at the end of each line.
 */

/** One sample. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** All of a text. */
export interface Exposition {
  readonly samples: readonly Sample[];
  readonly types: ReadonlyMap<string, string>;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(,|\})/;
const VALUE = /^ ([+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/;
const TYPES = ['counter', 'gauge', 'histogram', 'summary', 'untyped'];

/** Parses a text; throws for the first line that is not as it must be. */
export function parseExposition(text: string): Exposition {
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line has no end');
  const types = new Map<string, string>();
  const helps = new Set<string>();
  const closed = new Set<string>();
  const samples: Sample[] = [];
  let current: string | undefined;
  for (const line of text.split('\n').slice(0, -1)) {
    const fail = (why: string): never => {
      throw new Error(`${why}: ${line}`);
    };
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    const name = comment ? comment[2] : (NAME.exec(line)?.[0] ?? fail('no metric'));
    if (name !== current) {
      if (current !== undefined) closed.add(current);
      if (closed.has(name)) fail('lines of a metric are apart');
      current = name;
    }
    if (comment?.[1] === 'HELP') {
      if (helps.has(name)) fail('a second HELP');
      if (/\\(?![\\n])/.test(comment[3])) fail('a wrong escape');
      helps.add(name);
    } else if (comment) {
      if (types.has(name)) fail('a second TYPE');
      if (!TYPES.includes(comment[3])) fail('no type');
      if (samples.some((sample) => sample.name === name)) fail('a TYPE after a sample');
      types.set(name, comment[3]);
    } else {
      samples.push(parseSample(line, name, fail));
    }
  }
  const keys = samples.map(({ name, labels }) => JSON.stringify([name, labels]));
  if (new Set(keys).size < keys.length) throw new Error('a sample is there twice');
  return { samples, types };
}

function parseSample(line: string, name: string, fail: (why: string) => never): Sample {
  let rest = line.slice(name.length);
  const labels: Record<string, string> = {};
  if (rest.startsWith('{')) {
    rest = rest.slice(1);
    for (;;) {
      const label = LABEL.exec(rest) ?? fail('no label');
      if (label[1] in labels) fail('a label twice');
      labels[label[1]] = label[2].replace(/\\(.)/g, (_whole, escaped: string) =>
        escaped === 'n' ? '\n' : escaped,
      );
      rest = rest.slice(label[0].length);
      if (label[3] === '}') break;
    }
  }
  const value = VALUE.exec(rest) ?? fail('no value');
  return { name, labels, value: Number(value[1].replace('Inf', 'Infinity')) };
}

/** The value of one sample; throws if it isn't there. */
export function valueOf(
  { samples }: Exposition,
  name: string,
  labels: Readonly<Record<string, string>>,
): number {
  const wanted = Object.entries(labels);
  const found = samples.find(
    (sample) =>
      sample.name === name &&
      Object.keys(sample.labels).length === wanted.length &&
      wanted.every(([key, value]) => sample.labels[key] === value),
  );
  if (!found) throw new Error(`no sample ${name} ${JSON.stringify(labels)}`);
  return found.value;
}
