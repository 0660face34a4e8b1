import { isLoopbackHost } from '../../core/ip.ts';
import { formatAddress, type InternalAddress, type ListenAddress } from '../../core/address.ts';
import { isSamePlace } from '../../syntax/listen.ts';
import { quote } from '../../syntax/text.ts';
import type { GraphFault } from '../model/fault.ts';
import { findHttpFaults } from './http-faults.ts';
import { findScreenFaults } from './screen-faults.ts';
import {
  type Stage,
  type Graph,
  listInnerExits,
  listNames,
  listStages,
  listRoutesOut,
  type RouteName,
  type Target,
  type Upstream,
  type Exit,
} from '../model/graph.ts';

/** Finds errors in a graph before it listens, such as duplicate names, loops and unreachable stages. */
export function findFaults(graph: Graph): GraphFault[] {
  const lost = findLostRoutes(graph);
  if (lost.length > 0) return lost;
  const stages = listStages(graph);
  const names = new Map<string, Stage>();
  const faults: GraphFault[] = [];
  for (const stage of stages) {
    for (const name of listNames(stage)) {
      const first = names.get(name)?.name;
      if (first) faults.push({ ...fault(stage, 'listen', `two stages listen on internal://${name}`), first });
      names.set(name, stage);
    }
  }
  const ways = stages.flatMap((stage, index) => placeWays(stage, graph.stages[index]));
  faults.push(
    ...findTwins(stages),
    ...findSharedAddresses(stages, graph.admin),
    ...graph.stages.flatMap((stage) => (stage.job === 'http' ? findHttpFaults(stage) : [])),
    ...graph.stages.flatMap(findScreenFaults),
    ...findUnknown(ways, names),
    ...findImpossible(ways),
    ...stages.flatMap(findUnasked),
  );
  if (faults.length > 0) return faults;
  return [...findLoops(stages, names), ...findUnreached(stages, names)];
}

function fault({ name }: Named, part: GraphFault['part'], message: string, hint?: string): GraphFault {
  return { stage: name, part, message, ...(hint !== undefined && { hint }) };
}

interface Named {
  readonly name: string;
}

function findLostRoutes({ stages, routes }: Graph): GraphFault[] {
  const users = (stage: Stage<RouteName>) => [
    stage,
    ...(stage.job === 'http' ? stage.upstreams : stage.job === 'proxy' ? (stage.ways ?? []) : []),
  ];
  return stages.flatMap((stage) =>
    users(stage)
      .filter(({ route }) => !routes.has(route))
      .map(({ route }) => fault(stage, 'via', `there is no route ${quote(route)}`)),
  );
}

/** An exit of a stage, with the graph's own object for the upstream that has it, if any. */
interface PlacedWay {
  readonly stage: Stage;
  readonly way: Exit;
  readonly about?: Upstream<RouteName>;
}

function placeWays(stage: Stage, given: Stage<RouteName> | undefined): PlacedWay[] {
  const upstreams = given?.job === 'http' ? given.upstreams : [];
  return listRoutesOut(stage).map((way, index) => {
    const about = upstreams[index];
    return { stage, way, ...(about && { about }) };
  });
}

function wayFault({ stage, about }: PlacedWay, part: 'to' | 'via', message: string, hint: string): GraphFault {
  return { ...fault(stage, part, message, hint), ...(about && { about }) };
}

function findTwins(stages: readonly Stage[]): GraphFault[] {
  return stages
    .filter((stage, index) => stages.findIndex(({ name }) => name === stage.name) < index)
    .map((stage) => fault(stage, 'name', `there are two stages named ${stage.name}`));
}

function findSharedAddresses(stages: readonly Stage[], admin: ListenAddress | undefined): GraphFault[] {
  const seen = new Map<string, { readonly name: string }>();
  const faults: GraphFault[] = [];
  for (const stage of stages) {
    for (const address of stage.listen) {
      if (address.kind === 'internal' || (address.kind === 'tcp' && address.port === 0)) continue;
      const text = formatAddress(address);
      const isAdmin = admin && (isSamePlace(address, admin) || isSamePlace(admin, address));
      const other = isAdmin ? { name: 'admin' } : seen.get(text);
      if (other) {
        const message = `${text} is listened on by ${other.name} already`;
        faults.push({ ...fault(stage, 'listen', message), first: other.name });
      }
      seen.set(text, stage);
    }
  }
  return faults;
}

function findUnknown(ways: readonly PlacedWay[], names: ReadonlyMap<string, Stage>): GraphFault[] {
  const known = [...names.keys()].map((name) => `internal://${name}`).join(', ');
  const hint = known === '' ? 'no stage has an internal listener' : `there are ${known}`;
  return ways.flatMap((placed) => {
    const { to, route } = placed.way;
    const exits = (to?.targets ?? []).filter((target) => target.kind === 'internal');
    const lost = (exit: InternalAddress, part: 'to' | 'via') =>
      names.has(exit.name) ? [] : [wayFault(placed, part, `nothing listens on internal://${exit.name}`, hint)];
    return [...(route.entry ? lost(route.entry, 'via') : []), ...exits.flatMap((exit) => lost(exit, 'to'))];
  });
}

/** Finds internal and Unix targets behind a proxy, which can only be asked for a host and a port. */
function findImpossible(ways: readonly PlacedWay[]): GraphFault[] {
  return ways.flatMap((placed) => {
    const { to, route } = placed.way;
    const lost = route.hops.length > 0 ? to?.targets.find(({ kind }) => kind !== 'tcp') : undefined;
    if (!lost) return [];
    const where = lost.kind === 'unix' ? 'on this machine' : 'in this process';
    const hint =
      lost.kind === 'unix'
        ? 'leave the proxies out'
        : `to reach the proxies through it, write ${formatAddress(lost)} before them`;
    return [wayFault(placed, 'to', `no proxy can lead to ${formatAddress(lost)}, which is ${where}`, hint)];
  });
}

/** Finds targets that each connection names, and no proxy is asked for: dialled by ourselves, anybody could reach anything. */
function findUnasked(stage: Stage): GraphFault[] {
  if (stage.job !== 'forward' || stage.targetFormat === undefined) return [];
  const { hops } = stage.route;
  // A chooser may choose no proxy.
  if (hops.length > 0 && !hops.flat().some(({ chooser }) => chooser)) return [];
  return [
    fault(stage, 'to', 'a target with operators is for a proxy to judge', 'add via, or write proxy: true with rules'),
  ];
}

/** Finds a loop of stages, in which a tunnel would never reach a target. */
function findLoops(stages: readonly Stage[], names: ReadonlyMap<string, Stage>): GraphFault[] {
  const done = new Set<Stage>();
  const visit = (stage: Stage, path: readonly Stage[]): GraphFault | undefined => {
    if (path.includes(stage)) {
      const circle = [...path.slice(path.indexOf(stage)), stage].map(({ name }) => name).join(' -> ');
      return fault(stage, stage.job === 'http' ? 'http' : 'to', `the stages form a loop: ${circle}`);
    }
    if (done.has(stage)) return undefined;
    const inside = listInnerExits(stage).map(({ name }) => names.get(name) as Stage);
    for (const exit of [...inside, ...findReached(stage, stages)]) {
      const found = visit(exit, [...path, stage]);
      if (found) return found;
    }
    done.add(stage);
    return undefined;
  };
  for (const stage of stages) {
    const found = visit(stage, []);
    if (found) return [found];
  }
  return [];
}

/** Lists the forward stages that a forward stage dials directly by their addresses, where each Link opens the next. */
function findReached(stage: Stage, stages: readonly Stage[]): Stage[] {
  if (stage.job !== 'forward' || stage.route.hops.length > 0 || stage.route.entry) return [];
  const { targets } = stage.to;
  return stages.filter(
    ({ job, listen }) =>
      job === 'forward' && listen.some((address) => targets.some((target) => isReachedAt(address, target))),
  );
}

/** True if a target is certainly our listener. Names are not resolved. */
function isReachedAt(listen: ListenAddress | InternalAddress, target: Target): boolean {
  if (listen.kind === 'internal' || target.kind === 'internal' || listen.kind !== target.kind) return false;
  if (listen.kind !== 'tcp' || target.kind !== 'tcp' || listen.host === target.host) return isSamePlace(listen, target);
  // Another machine may have the same port.
  return isLoopbackHost(target.host) && (isSamePlace(listen, target) || isSamePlace(target, listen));
}

/** Finds stages that have only internal listeners and that no other stage dials, usually due to a misspelt name. */
function findUnreached(stages: readonly Stage[], names: ReadonlyMap<string, Stage>): GraphFault[] {
  const reached = new Set<Stage>();
  const reach = (stage: Stage): void => {
    if (reached.has(stage)) return;
    reached.add(stage);
    for (const { name } of listInnerExits(stage)) reach(names.get(name) as Stage);
  };
  stages.filter(({ listen }) => listen.some(({ kind }) => kind !== 'internal')).forEach(reach);
  return stages
    .filter((stage) => !reached.has(stage))
    .map((stage) =>
      fault(stage, 'listen', `nothing leads to ${stage.name}`, 'let another stage lead to it, or give it a port'),
    );
}
