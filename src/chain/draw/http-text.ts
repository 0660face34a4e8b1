import { formatAddress } from '../../core/address.ts';
import { formatHop } from '../../core/hop.ts';
import { upstreamOf } from '../check/http-faults.ts';
import type { HttpRoute, HttpStage, Upstream } from '../model/graph.ts';

/** A description of a route for people, without the values of fields. */
export interface RouteText {
  /** The requests that it matches: `GET /health`, `a.example.com/api…`, `CONNECT with foo`. */
  readonly fits: string;
  /** The action on these requests. */
  readonly does: string;
  /** The name of its upstream, if it has one. */
  readonly upstream?: string;
}

/** Describes the routes of a stage, in the order in which they are tried. */
export function describeRoutes({ hosts, upstreams }: HttpStage): readonly RouteText[] {
  return hosts.flatMap(({ domains, routes }) =>
    routes.map((route) => {
      const name = upstreamOf(route);
      const upstream = upstreams.find((candidate) => candidate.name === name);
      const fits = describeMatch(route, domains.includes('*') ? '' : domains.join('|'));
      return { fits, does: describeAction(route, upstream), ...(name !== undefined && { upstream: name }) };
    }),
  );
}

function describeMatch({ match: { path, fields } }: HttpRoute, host: string): string {
  const method = fields.find(({ name, value, invert }) => name === ':method' && value?.kind === 'exact' && !invert);
  const others = [...new Set(fields.filter((field) => field !== method).map(({ name }) => name))];
  const place = path.kind === 'connect' ? host : `${host}${path.value}${path.kind === 'prefix' ? '…' : ''}`;
  const words = [path.kind === 'connect' ? 'CONNECT' : (method?.value?.value ?? ''), place];
  const fits = words.filter((word) => word !== '').join(' ');
  return others.length === 0 ? fits : `${fits} with ${others.join(', ')}`;
}

function describeAction({ action }: HttpRoute, upstream: Upstream | undefined): string {
  if (action.kind === 'answer') return action.redirect ? `${action.status} elsewhere` : String(action.status);
  const where = upstream ? describeUpstream(upstream) : action.upstream;
  return action.kind === 'tunnels' ? `bytes to ${where}` : where;
}

function describeUpstream({ to, route }: Upstream): string {
  const where = 'field' in to ? `the target in ${to.field}` : to.targets.map(formatAddress).join('|');
  const via = [
    ...(route.entry ? [formatAddress(route.entry)] : []),
    ...route.hops.map((choice) => choice.map(formatHop).join('|')),
  ];
  return via.length === 0 ? where : `${where} via ${via.join(', ')}`;
}
