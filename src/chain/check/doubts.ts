import { quote } from '../../syntax/text.ts';
import { upstreamOf } from './http-faults.ts';
import type { FieldMatch, Graph, HttpRoute, HttpStage, RequestMatch, RouteName } from '../model/graph.ts';
import type { GraphFault } from '../model/fault.ts';

/**
 * Finds valid parts of a graph that are probably mistakes: routes that no request can match, and upstreams that no
 * route uses. Envoy accepts both.
 */
export function findDoubts({ stages }: Graph): GraphFault[] {
  return stages.flatMap((stage) => (stage.job === 'http' ? [...findHidden(stage), ...findUnused(stage)] : []));
}

function doubt({ name }: HttpStage<RouteName>, about: object, message: string): GraphFault {
  return { stage: name, part: 'http', about, message };
}

function findHidden(stage: HttpStage<RouteName>): GraphFault[] {
  return stage.hosts.flatMap(({ routes }) =>
    routes.flatMap((route, index) => {
      const { path } = route.match;
      if (path.kind !== 'connect' && path.value !== '*' && !/^(?:\/|$)/.test(path.value)) {
        return [doubt(stage, route, `no path begins with ${quote(path.value)}: write /${path.value}`)];
      }
      const isHidden = routes.slice(0, index).some((earlier) => covers(earlier.match, route.match));
      return isHidden ? [doubt(stage, route, 'this route is never reached: an earlier one fits all that fits it')] : [];
    }),
  );
}

/** True if every request that meets the other match also meets this one. Finds only the obvious cases. */
function covers(match: RequestMatch, other: RequestMatch): boolean {
  return (
    coversPath(match.path, other.path) &&
    match.fields.every((field) => other.fields.some((candidate) => isSameField(field, candidate)))
  );
}

function coversPath(path: RequestMatch['path'], other: RequestMatch['path']): boolean {
  if (path.kind === 'connect' || other.kind === 'connect') return path.kind === other.kind;
  return path.kind === 'prefix' ? other.value.startsWith(path.value) : isSamePath(path, other);
}

function isSamePath(path: { kind: string; value: string }, other: { kind: string; value: string }): boolean {
  return path.kind === other.kind && path.value === other.value;
}

function isSameField(field: FieldMatch, other: FieldMatch): boolean {
  return (
    field.name === other.name &&
    (field.invert ?? false) === (other.invert ?? false) &&
    field.value?.kind === other.value?.kind &&
    field.value?.value === other.value?.value
  );
}

function findUnused(stage: HttpStage<RouteName>): GraphFault[] {
  const used = new Set(stage.hosts.flatMap(({ routes }) => routes).map((route: HttpRoute) => upstreamOf(route)));
  return stage.upstreams
    .filter(({ name }) => !used.has(name))
    .map((upstream) => doubt(stage, upstream, `no route leads to the upstream ${quote(upstream.name)}`));
}
