/** One number about the program. */
export interface Stat {
  /** Dotted, as Envoy names it without the parts that say which: `cluster.upstream_cx_total`. Ours begin with `tunl.` */
  readonly name: string;
  readonly kind: 'counter' | 'gauge';
  readonly help: string;
  /** Which of those that have the name; at most one. */
  readonly of?: StatLabel;
  readonly value: number;
}

/** What tells numbers of one name apart. */
export interface StatLabel {
  /** As Prometheus gets it: `envoy_cluster_name`. */
  readonly label: string;
  readonly value: string;
}

/** The name of one number: `cluster.encap.upstream_cx_total`, `tunl.tunnels_failed.dns_error`. */
export function formatStatName({ name, of }: Stat): string {
  if (!of) return name;
  const [head = '', ...rest] = name.split('.');
  return head === 'tunl' ? `${name}.${of.value}` : [head, of.value, ...rest].join('.');
}
