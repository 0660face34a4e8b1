import type { Histogram } from './histogram.ts';

/** The name of a statistic, and what it tells. */
interface StatName {
  /** Envoy's name without the label: `cluster.upstream_cx_total`. Names of our own begin with `tunl.` */
  readonly name: string;
  readonly help: string;
  /** The label that distinguishes it from others of its name, if there are any. */
  readonly of?: StatLabel;
}

/** One number about the program. */
export interface Stat extends StatName {
  readonly kind: 'counter' | 'gauge';
  readonly value: number;
}

/** The distribution of some durations. */
export interface HistogramStat extends StatName {
  readonly histogram: Histogram;
}

/** A label that distinguishes statistics of one name. */
export interface StatLabel {
  /** Its name for Prometheus: `envoy_cluster_name`. */
  readonly label: string;
  readonly value: string;
}

/** Writes the full name of a statistic: `cluster.encap.upstream_cx_total`, `tunl.tunnels_failed.dns_error`. */
export function formatStatName({ name, of }: StatName): string {
  if (!of) return name;
  const [head = '', ...rest] = name.split('.');
  // The prefix of a filter stands before its name, which no other statistic of Envoy does.
  if (head === 'rbac') return `${of.value}.${name}`;
  return head === 'tunl' ? `${name}.${of.value}` : [head, of.value, ...rest].join('.');
}
