import { describe, expect, it } from 'vitest';
import { formatPrometheus } from '../../../src/controller/prometheus.ts';
import { parseExposition, valueOf } from '../../e2e/harness/exposition.ts';
import { KEY, RECORD, sampleStatus } from './sample-status.ts';

const labels = { tunnel: 'work', config: '/home/ada/work.conf' };

describe('the metrics of tunnels', () => {
  it('have their numbers, with a help and a type each', () => {
    const metrics = parseExposition(formatPrometheus([sampleStatus()]));
    expect(valueOf(metrics, 'wg_wrap_up', labels)).toBe(1);
    expect(valueOf(metrics, 'wg_wrap_engine_restarts_total', labels)).toBe(2);
    expect(valueOf(metrics, 'wg_wrap_engine_resident_memory_bytes', labels)).toBe(47_185_920);
    expect(valueOf(metrics, 'wg_wrap_other_processes', labels)).toBe(1);
    expect(valueOf(metrics, 'wg_wrap_warnings', labels)).toBe(2);
    const peer = { ...labels, public_key: KEY };
    expect(valueOf(metrics, 'wg_wrap_peer_last_handshake_age_seconds', peer)).toBe(12.3);
    expect(valueOf(metrics, 'wg_wrap_peer_receive_bytes_total', peer)).toBe(2048);
    expect(valueOf(metrics, 'wg_wrap_peer_transmit_bytes_total', peer)).toBe(1024);
    const error = { ...labels, at: 'udp_send', errno: 'EPERM' };
    expect(valueOf(metrics, 'wg_wrap_errors_total', error)).toBe(9);
    expect(valueOf(metrics, 'wg_wrap_dropped_total', { ...labels, reason: 'malformed' })).toBe(5);
    for (const { name } of metrics.samples) {
      expect(metrics.types.get(name), name).toBe(name.endsWith('_total') ? 'counter' : 'gauge');
    }
  });

  it('have no sample for what is not known', () => {
    const text = formatPrometheus([sampleStatus({ engine: undefined })]);
    const metrics = parseExposition(text);
    expect(valueOf(metrics, 'wg_wrap_up', labels)).toBe(0);
    expect(valueOf(metrics, 'wg_wrap_state', { ...labels, state: 'failed' })).toBe(1);
    expect(text).not.toMatch(/null|NaN|wg_wrap_peer|wg_wrap_dropped|resident/);
  });

  it('of several tunnels are together, metric by metric', () => {
    const other = sampleStatus({ record: { ...RECORD, name: 'home' } });
    const { samples } = parseExposition(formatPrometheus([sampleStatus(), other]));
    expect(samples.filter(({ name }) => name === 'wg_wrap_up')).toHaveLength(2);
  });

  it('escape what labels must not hold', () => {
    const name = 'a"b\\c';
    const text = formatPrometheus([sampleStatus({ record: { ...RECORD, name } })]);
    expect(valueOf(parseExposition(text), 'wg_wrap_up', { ...labels, tunnel: name })).toBe(1);
  });

  it('are nothing without a tunnel', () => {
    expect(formatPrometheus([])).toBe('');
  });
});
