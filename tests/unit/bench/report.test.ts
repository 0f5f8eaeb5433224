/** From readings to rows, table, JSON and picture. */
import { execaSync } from 'execa';
import { describe, expect, test } from 'vitest';
import { formatChart } from '../../bench/chart.ts';
import { formatJson, formatNumber, formatTable, Results } from '../../bench/report.ts';
import { formatSoak, soakedPair } from '../../bench/soak.ts';

const circumstances = {
  machine: { cpu: 'a & b', cpus: 2 },
  versions: { wgWrap: '1' },
  settings: { repetitions: 3, seconds: 1 },
  tuning: { mtu: 1420, txqueuelen: 500, gsoMaxBytes: 65_536, gsoMaxSegments: 65_535 },
  theirsOffload: true,
};

/** Three repetitions of three figures. */
function results(): Results {
  const results = new Results();
  for (const factor of [1, 2, 4]) {
    results.add('ours', { tcp: 6 * factor, cpu: 0.1, rtt50: 50 * factor });
    results.add('theirs', { tcp: 2 * factor, cpu: 0.2, rtt50: 100 });
    results.add('ceiling', { tcp: 12 * factor });
    results.add('ours to theirs', { tcp: 3 * factor });
  }
  return results;
}

describe('the rows', () => {
  test('have ratios of each repetition, and are in the order of the report', () => {
    const [tcp, rtt, cpu] = results().rows();
    expect(tcp).toMatchObject({ name: 'tcp', ratios: { ours: { median: 3, low: 3, high: 3 } } });
    expect(tcp.pairs.ours).toMatchObject({ median: 12, low: 6, high: 24, values: [6, 12, 24] });
    expect(tcp.ratios['ours to theirs']).toMatchObject({ median: 1.5 });
    expect(rtt).toMatchObject({
      name: 'rtt50',
      ratios: { ours: { low: 0.5, median: 1, high: 2 } },
    });
    expect(cpu).toMatchObject({ name: 'cpu', ratios: { ours: { median: 0.5 } } });
  });

  test('have a share of the ceiling where more is better, and it was measured', () => {
    const [tcp, rtt] = results().rows();
    expect(tcp.shareOfCeiling).toMatchObject({ median: 0.5 });
    expect(rtt.shareOfCeiling).toBeUndefined();
  });

  test('are only those that were measured', () => {
    expect(results().rows()).toHaveLength(3);
    expect(new Results().rows()).toEqual([]);
  });
});

test('the table says for each row what was found and what should be reached', () => {
  const [head, tcp, mixed, ...rest] = formatTable(results().rows()).split('\n');
  expect(head).toMatch(/ours +theirs +ours \/ theirs +target +of ceiling$/);
  expect(tcp).toMatch(
    /^TCP, one stream +Gbit\/s +12\.0 \(6\.00–24\.0\) +4\.00 \(2\.00–8\.00\) +3\.00 .* ≥ 1\.6 +0\.500 .* ≥ 0\.5$/,
  );
  expect(mixed).toMatch(/^ {2}ours to theirs +Gbit\/s +6\.00/);
  expect(rest).toHaveLength(2);
});

test('numbers have three digits that count', () => {
  expect([0, 0.01234, 1.2345, 98.76, 12_345].map(formatNumber)).toEqual([
    '0',
    '0.0123',
    '1.23',
    '98.8',
    '12345',
  ]);
});

test('the JSON names its schema and keeps every value', () => {
  const report = JSON.parse(formatJson(circumstances, results().rows(), undefined)) as {
    readonly schema: number;
    readonly rows: readonly { readonly pairs: { readonly ours: { readonly values: number[] } } }[];
  };
  expect(report.schema).toBe(1);
  expect(report).not.toHaveProperty('soak');
  expect(report.rows[0].pairs.ours.values).toEqual([6, 12, 24]);
});

describe('the picture', () => {
  /** What a real parser makes of it: the names of the elements, and all text. */
  function parse(svg: string): { readonly names: string; readonly text: string } {
    const script = `import sys, json, xml.etree.ElementTree as e
root = e.fromstring(sys.stdin.buffer.read())
print(json.dumps({"names": " ".join(x.tag.split("}")[1] for x in root.iter()), "text": "|".join(root.itertext())}))`;
    const { stdout } = execaSync('python3', ['-c', script], { input: svg });
    return JSON.parse(stdout) as { readonly names: string; readonly text: string };
  }

  test('is well-formed, with a bar and a ratio for each row and each mixed pair', () => {
    const { names, text } = parse(formatChart(results().rows()));
    expect(names.match(/\brect\b/g)).toHaveLength(4);
    expect(text).toContain('TCP, one stream');
    expect(text).toContain('ours to theirs');
    for (const ratio of ['3.00×', '1.50×', '1.00×', '0.50×']) expect(text).toContain(ratio);
  });

  test('has a tick where there is a target', () => {
    const [tcp, , cpu] = results().rows();
    expect(formatChart([tcp])).toContain('<line class="target"');
    expect(formatChart([cpu])).not.toContain('<line class="target"');
  });

  test('escapes what a title may hold', () => {
    const [row] = results().rows();
    expect(parse(formatChart([{ ...row, title: 'a < b & c' }])).text).toContain('a < b & c');
  });

  test('has no absolute number, for those are the machine’s', () => {
    expect(formatChart(results().rows())).not.toMatch(/Gbit\/s|µs/);
  });

  test('leaves out what has no ratio, and is whole without any row', () => {
    const alone = new Results();
    alone.add('ceiling', { tcp: 1 });
    expect(parse(formatChart(alone.rows())).names).not.toContain('rect');
    expect(parse(formatChart([])).names).toContain('svg');
  });

  test('stays inside its frame, however far apart ratios are', () => {
    const far = new Results();
    far.add('ours', { tcp: 1000, cpu: 0.001 });
    far.add('theirs', { tcp: 1, cpu: 1 });
    const svg = formatChart(far.rows());
    const width = Number(/width="(\d+)"/.exec(svg)?.[1]);
    for (const [, x, length] of svg.matchAll(/<rect[^>]* x="([\d.-]+)"[^>]* width="([\d.-]+)"/g)) {
      expect(Number(x)).toBeGreaterThanOrEqual(0);
      expect(Number(x) + Number(length)).toBeLessThanOrEqual(width);
    }
  });

  test('shows by the colour whether more was wanted, or less', () => {
    const [tcp, , cpu] = results().rows();
    expect(formatChart([tcp])).toContain('<rect class="good"');
    expect(formatChart([cpu])).toContain('<rect class="good"');
    expect(formatChart([{ ...cpu, better: 'more' }])).toContain('<rect class="bad"');
  });
});

describe('a soak', () => {
  test('is flat if its last tenth is as its second one', () => {
    const series = [10, 10, 50, 50, ...Array.from({ length: 16 }, () => 50)];
    const pair = soakedPair(5, series);
    expect(pair.tenthsMiB).toEqual([10, 50, 50, 50, 50, 50, 50, 50, 50, 50]);
    expect(pair).toMatchObject({ beforeMiB: 5, highestMiB: 50, growth: 1 });
  });

  test('shows growth that goes on', () => {
    expect(
      soakedPair(
        1,
        Array.from({ length: 100 }, (_, at) => at + 1),
      ).growth,
    ).toBeGreaterThan(5);
  });

  test('of fewer readings than tenths has tenths all the same', () => {
    expect(soakedPair(1, [3, 4]).tenthsMiB).toHaveLength(10);
  });

  test('is a line a pair', () => {
    const text = formatSoak({ seconds: 5, pairs: { ours: soakedPair(1, [3, 4]) } });
    expect(text.split('\n')).toHaveLength(2);
    expect(text).toMatch(/growth 1\.\d\d$/);
  });
});
