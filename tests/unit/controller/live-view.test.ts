import { describe, expect, it } from 'vitest';
import { drawLiveView, sparkline } from '../../../src/controller/live-view.ts';
import { Throughput } from '../../../src/controller/throughput.ts';
import { formatMoment } from '../../../src/controller/watch.ts';
import type { TunnelStatus } from '../../../src/controller/tunnel-status.ts';
import { ENGINE, RECORD, sampleStatus } from './sample-status.ts';

const style = { columns: 70, rows: 20, color: false };

/** A status with these totals. */
function withTraffic(rxBytes: number, txBytes: number, malformed = 0): TunnelStatus {
  const peers = [{ ...ENGINE.peers[0], rxBytes, txBytes }];
  return sampleStatus({ engine: { ...ENGINE, peers, drops: { malformed } } });
}

function history(...totals: readonly (readonly [number, number, number?])[]): Throughput {
  const throughput = new Throughput();
  for (const [index, [rx, tx, drops]] of totals.entries()) {
    throughput.add(withTraffic(rx, tx, drops), index * 2000);
  }
  return throughput;
}

describe('a tunnel over time', () => {
  it('has rates by the time that has passed', () => {
    const throughput = history([1000, 0], [3000, 500, 4]);
    expect(throughput.latest).toMatchObject({ received: 1000, sent: 250 });
    expect(throughput.drops()).toContainEqual({ reason: 'malformed', count: 4, rate: 2 });
  });

  it('has no rate at the first look, and none below zero when an engine counts anew', () => {
    expect(history([1000, 1000]).latest).toMatchObject({ received: 0, sent: 0 });
    expect(history([1000, 1000], [10, 10]).latest).toMatchObject({ received: 0, sent: 0 });
  });

  it('forgets what no terminal has room for', () => {
    const throughput = new Throughput();
    for (let second = 0; second < 1000; second++) throughput.add(withTraffic(0, 0), second * 1000);
    expect(throughput.recent(10_000)).toHaveLength(512);
  });
});

describe('the page of a tunnel', () => {
  it('shows state, throughput, peers, sessions, drops and engine', () => {
    const lines = drawLiveView(history([0, 0], [2_097_152, 4096, 3]), style);
    expect(lines).toHaveLength(20);
    expect(lines.slice(0, 15).map((line) => line.trimEnd())).toEqual([
      'work  ● connected   up 8 min 32 s',
      '/home/ada/work.conf',
      '',
      `received   ${' '.repeat(42)}▁█     1.00 MiB/s`,
      `sent       ${' '.repeat(42)}▁█     2.00 KiB/s`,
      '',
      'peer       CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=',
      '           203.0.113.4:51820 (vpn.example.com)',
      '           handshake 12 s ago   2.00 MiB received   4.00 KiB sent',
      '',
      'sessions   812 curl; without a session: 901',
      'dropped    udp_send EPERM 9, malformed 3 (+2/s), queue_full 1',
      'engine     data path typescript, 45.00 MiB, 2 restarts',
      'warning    an observation',
      'warning    work.conf:6: PostUp ignored',
    ]);
    expect(lines[19]).toBe('q quit');
  });

  it('is empty before the first look', () => {
    expect(drawLiveView(new Throughput(), style)).toEqual([]);
  });

  it('fits into any size', () => {
    const throughput = history([0, 0], [5000, 5000]);
    const wide = sampleStatus({
      record: { ...RECORD, name: '日本語'.repeat(30), config: '\ta'.repeat(90) },
    });
    throughput.add(wide, 9000);
    for (const [columns, rows] of [
      [1, 1],
      [3, 2],
      [30, 8],
      [300, 100],
    ] as const) {
      const lines = drawLiveView(throughput, { columns, rows, color: false });
      expect(lines).toHaveLength(rows);
      for (const line of lines) {
        const width = Array.from(line).reduce((sum, each) => sum + (each > '\u2e80' ? 2 : 1), 0);
        expect(width, line).toBeLessThanOrEqual(columns);
      }
    }
  });

  it('has colours that change no width, each of them ended', () => {
    const throughput = history([0, 0], [5000, 5000]);
    const plain = drawLiveView(throughput, style);
    const colored = drawLiveView(throughput, { ...style, color: true });
    expect(colored[0]).toContain('\x1b[32m● connected\x1b[0m');
    expect(colored.map((line) => line.replace(/\x1b\[\d+m/g, ''))).toEqual(plain);
    for (const line of colored) {
      expect(line.split('\x1b[0m').length * 2 - 1).toBe(line.split('\x1b[').length);
    }
  });

  it('shows names without what a terminal would act on', () => {
    const status = sampleStatus({
      inhabitants: { sessions: [{ pid: 1, command: 'a\x1b[2Jb' }], others: [] },
    });
    const throughput = new Throughput();
    throughput.add(status, 0);
    expect(drawLiveView(throughput, style).join('\n')).toContain(String.raw`1 a\x1b[2Jb`);
  });

  it('says what is not known', () => {
    const throughput = new Throughput();
    throughput.add(sampleStatus({ engine: undefined }), 0);
    const text = drawLiveView(throughput, style).join('\n');
    expect(text).toContain('● failed');
    expect(text).toContain('no handshake   traffic unknown');
    expect(text).toContain('engine     none answers, 2 restarts');
  });
});

describe('a sparkline', () => {
  it('has a bar for each rate, the highest for the greatest', () => {
    expect(sparkline([0, 1, 50, 100])).toBe('▁▂▅█');
    expect(sparkline([0, 0])).toBe('▁▁');
    expect(sparkline([])).toBe('');
  });
});

describe('a moment', () => {
  it('is one line', () => {
    const { latest } = history([0, 0], [2048, 0, 3]);
    expect(formatMoment(latest!, new Date(0))).toBe(
      '1970-01-01T00:00:00Z work connected, received 1.00 KiB/s, sent 0 B/s, handshake 12 s ago, sessions 1, dropped 13, restarts 2',
    );
    const unknown = { status: sampleStatus({ engine: undefined }), received: 0, sent: 0 };
    expect(formatMoment(unknown, new Date(0))).toContain(
      'no handshake, sessions 1, dropped unknown',
    );
  });
});
