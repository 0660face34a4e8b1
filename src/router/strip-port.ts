import type { Exchange } from '../core/exchange.ts';

/**
 * Cuts the port off the host of a request, as Envoy does before its filters and routes see it. A port without a digit
 * stays.
 */
export function stripPort(exchange: Exchange, which: 'any' | 'reached'): void {
  const { authority, peer } = exchange;
  const [said = '', port] = /:(\d+)$/.exec(authority) ?? [];
  if (port === undefined) return;
  const { reached } = peer;
  if (which === 'any' || (reached?.kind === 'tcp' && reached.port === Number(port)))
    exchange.authority = authority.slice(0, -said.length);
}
