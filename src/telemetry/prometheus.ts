import type { Stat } from './stat.ts';

/** Writes statistics in Prometheus's text format (exposition 0.0.4). The library is loaded at the first call. */
export async function formatExposition(stats: readonly Stat[]): Promise<string> {
  const { Counter, Gauge, Registry } = (await import('prom-client')).default;
  const registry = new Registry();
  for (const [name, members] of groupByName(stats)) {
    const [first] = members;
    if (!first) continue;
    const labelNames = first.of ? [first.of.label] : [];
    const options = { name, help: first.help, labelNames, registers: [registry] };
    const metric = first.kind === 'counter' ? new Counter(options) : new Gauge(options);
    for (const { of, value } of members) metric.inc(of ? { [of.label]: of.value } : {}, value);
  }
  return registry.metrics();
}

function groupByName(stats: readonly Stat[]): Map<string, Stat[]> {
  const families = new Map<string, Stat[]>();
  for (const stat of stats) {
    const name = formatFamily(stat.name);
    families.set(name, [...(families.get(name) ?? []), stat]);
  }
  return families;
}

/** Names a metric: `envoy_cluster_upstream_cx_total` if Envoy has it, else `tunl_tunnels_failed_total`, `process_…`. */
function formatFamily(name: string): string {
  const family = name.replaceAll('.', '_');
  return /^(?:tunl|process)_/.test(family) ? family : `envoy_${family}`;
}
