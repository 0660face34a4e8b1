import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Histogram } from '../../src/telemetry/histogram.ts';
import { makeSubject, startDesk } from '../support/harness/admin-subject.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  // The beginning of a period of five seconds, long after that of the real time.
  vi.advanceTimersByTime(1e10 - performance.now());
});
afterEach(() => vi.useRealTimers());

function makeHistogram(...values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

test('quantiles are those of the library that Envoy has, in its bins of two digits', () => {
  const { all } = makeHistogram(1, 2, 3, 4);
  expect([0, 25, 50, 75, 100].map((percent) => all.quantile(percent))).toEqual([1.05, 1.05, 2.05, 3.05, 4.05]);
  const three = makeHistogram(10, 10, 10).all;
  expect([0, 50, 75, 99].map((percent) => three.quantile(percent))).toEqual([10.25, 10.5, 10.75, 10.75]);
  expect(makeHistogram(5).all.quantile(50)).toBeCloseTo(5.05, 10);
  expect(makeHistogram(1234).all.quantile(100)).toBe(1250);
  expect(makeHistogram(0, 0).all.quantile(99)).toBe(0);
  expect(makeHistogram().all.quantile(50)).toBeNaN();
});

test('buckets count what is up to their bound, and what shares its bin', () => {
  const { all } = makeHistogram(0, 0.9, 5, 99.9, 255, 123_456, -1);
  expect([0.5, 5, 10, 100, 250, 60_000, 300_000].map((bound) => all.countUpTo(bound))).toEqual([3, 4, 4, 5, 6, 6, 7]);
  expect([all.count, all.sum]).toEqual([7, 5 + 99 + 255 + 123_456]);
});

test('whatever is recorded, there is a limit to the number of bins', () => {
  const histogram = makeHistogram();
  for (let value = 1; value < 1e12; value *= 1.001) histogram.record(value);
  histogram.record(Infinity);
  expect(histogram.all.quantile(100)).toBeLessThan(1e10);
});

test('the last five seconds are told apart until five more have passed', () => {
  const histogram = makeHistogram(7);
  expect(histogram.latest.count).toBe(0);
  vi.advanceTimersByTime(5000);
  expect(histogram.latest.count).toBe(1);
  histogram.record(8);
  vi.advanceTimersByTime(5000);
  expect(histogram.latest.quantile(0)).toBe(8.05);
  vi.advanceTimersByTime(10_000);
  expect([histogram.latest.count, histogram.all.count]).toEqual([0, 2]);
});

test('the admin address writes them as Envoy does', async () => {
  const histogram = makeHistogram(1, 1_234_567);
  const of = { label: 'envoy_cluster_name', value: 'a' };
  const name = 'cluster.a.upstream_cx_length_ms';
  const family = 'cluster.upstream_cx_length_ms';
  const stats = [
    { name: family, help: 'h', of, histogram },
    { name: family, help: 'h', of: { ...of, value: 'b' }, histogram: new Histogram() },
  ];
  vi.useRealTimers();
  const { ask } = await startDesk(makeSubject({ listHistograms: () => stats }));
  const quantiles =
    'P0(nan,1.05) P25(nan,1.05) P50(nan,1.05) P75(nan,1.25e+06) P90(nan,1.25e+06) P95(nan,1.25e+06) P99(nan,1.25e+06) P99.5(nan,1.25e+06) P99.9(nan,1.25e+06) P100(nan,1.25e+06)';
  expect((await ask('/stats')).body).toBe(
    `cluster.a.upstream_cx_length_ms: ${quantiles}\ncluster.b.upstream_cx_length_ms: No recorded values\n`,
  );
  expect((await ask('/stats?usedonly')).body).toBe(`cluster.a.upstream_cx_length_ms: ${quantiles}\n`);
  const { stats: parts } = JSON.parse((await ask('/stats?format=json&usedonly')).body) as { stats: readonly unknown[] };
  const values = [...Array<number>(3).fill(1.05), ...Array<number>(7).fill(1.25e6)];
  expect(parts).toEqual([
    {
      histograms: {
        supported_quantiles: [0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100],
        computed_quantiles: [{ name, values: values.map((cumulative) => ({ interval: null, cumulative })) }],
      },
    },
  ]);
  const { body } = await ask('/stats/prometheus?usedonly');
  expect(body).toContain('# TYPE envoy_cluster_upstream_cx_length_ms histogram\n');
  for (const [le, count] of [
    ['0.5', 0],
    ['5', 1],
    ['1800000', 2],
    ['+Inf', 2],
  ] as const) {
    expect(body).toContain(`envoy_cluster_upstream_cx_length_ms_bucket{envoy_cluster_name="a",le="${le}"} ${count}\n`);
  }
  expect(body).toContain('envoy_cluster_upstream_cx_length_ms_sum{envoy_cluster_name="a"} 1234568\n');
  expect(body).toContain('envoy_cluster_upstream_cx_length_ms_count{envoy_cluster_name="a"} 2\n');
});
