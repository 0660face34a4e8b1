import { quote } from '../../syntax/text.ts';
import type { GraphFault } from '../model/fault.ts';
import { asksUsers, type HttpRoute, type HttpStage, type RouteName } from '../model/graph.ts';
import { takesNames } from '../model/http.ts';

/** Finds errors in the hosts, routes and upstreams of a stage. */
export function findHttpFaults(stage: HttpStage<RouteName>): GraphFault[] {
  const twins = findTwinDomains(stage);
  return [...(twins.length > 0 ? twins : findTwinNames(stage)), ...findLostRoutes(stage), ...findUnjudged(stage)];
}

function fault({ name }: HttpStage<RouteName>, about: object, message: string, hint?: string): GraphFault {
  return { stage: name, part: 'http', about, message, ...(hint !== undefined && { hint }) };
}

function findTwinNames(stage: HttpStage<RouteName>): GraphFault[] {
  const find = (what: string, list: readonly { readonly name: string }[]) =>
    list
      .filter(({ name }, index) => list.findIndex((other) => other.name === name) < index)
      .map((twin) => fault(stage, twin, `there are two ${what} named ${quote(twin.name)}`));
  return [...find('hosts', stage.hosts), ...find('upstreams', stage.upstreams)];
}

function findTwinDomains(stage: HttpStage<RouteName>): GraphFault[] {
  const seen = new Set<string>();
  return stage.hosts.flatMap((host) =>
    host.domains.flatMap((domain) => {
      const isTwin = seen.has(domain);
      seen.add(domain);
      if (!isTwin) return [];
      const hint = 'routes beside hosts are those of "*"';
      return [fault(stage, host, `${quote(domain)} is there twice`, ...(domain === '*' ? [hint] : []))];
    }),
  );
}

/**
 * Finds upstreams whose names would be resolved behind the rules of the stage, which see no addresses then. Screens judge
 * the address of the listener and of the client, which are known.
 */
function findUnjudged(stage: HttpStage<RouteName>): GraphFault[] {
  const { allow = [], deny = [] } = stage;
  if (!asksUsers(stage) && allow.length + deny.length === 0) return [];
  return stage.upstreams
    .filter(takesNames)
    .map((upstream) =>
      fault(
        stage,
        upstream,
        `${quote(upstream.name)} takes names, whose addresses no rule of the stage would see`,
        'write a stage with proxy for users and rules, or leave names out',
      ),
    );
}

function findLostRoutes(stage: HttpStage<RouteName>): GraphFault[] {
  const known = stage.upstreams.map(({ name }) => name);
  return stage.hosts
    .flatMap(({ routes }) => routes)
    .flatMap((route) => {
      const upstream = upstreamOf(route);
      if (upstream === undefined || known.includes(upstream)) return [];
      const hint = known.length === 0 ? 'there is none' : `there are ${known.join(', ')}`;
      return [fault(stage, route, `there is no upstream ${quote(upstream)}`, hint)];
    });
}

/** Returns the name of a route's upstream, or undefined if the route answers requests itself. */
export function upstreamOf({ action }: HttpRoute): string | undefined {
  return action.kind === 'answer' ? undefined : action.upstream;
}
