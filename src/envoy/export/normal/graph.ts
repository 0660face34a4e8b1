import {
  type AccessLog,
  type Stage,
  type ForwardStage,
  type HttpStage,
  listInnerExits,
  listNames,
  type PlainGraph,
  type RouteOptions,
  type Target,
  type TargetChoice,
  type Upstream,
} from '../../../chain/model/graph.ts';
import type { InternalAddress } from '../../../core/address.ts';
import { normaliseHttp, UpstreamNames } from './http.ts';
import { toHttpStage } from './proxy.ts';
import { normaliseForward, toPlainRoute } from './route.ts';
import type { FieldWriter } from '../fields.ts';
import { StageNames } from '../../names.ts';

/** A stage that Envoy can represent. */
export type EnvoyStage = ForwardStage | HttpStage;

/** A graph whose stages Envoy can represent. */
export interface EnvoyGraph extends PlainGraph {
  readonly stages: readonly EnvoyStage[];
}

/**
 * Converts a graph into the form that Envoy can represent: each stage has one listener and at most one hop, and a proxy
 * is an HTTP stage. Importing an exported file results in this graph.
 */
export function toEnvoyGraph(
  { stages: given, admin, internalBufferBytes }: PlainGraph,
  fields: FieldWriter,
): EnvoyGraph {
  const names = new FreeNames(given);
  const stages = given
    .flatMap((stage) => splitListeners(stage, names))
    .map((stage): EnvoyStage => (stage.job === 'proxy' ? toHttpStage(stage) : stage))
    .flatMap((stage): EnvoyStage[] => (stage.job === 'http' ? splitUpstreams(stage, names) : [stage]))
    .flatMap((stage): EnvoyStage[] => (stage.job === 'forward' ? splitHops(stage, names) : [stage]))
    .map((stage) => normaliseStage(stage, fields))
    .map((stage) => ({ ...stage, listen: stage.listen.map((address) => toOneAddress(address, stage, fields)) }));
  const upstreams = new UpstreamNames();
  const reached = findReached(stages).map((stage) => (stage.job === 'http' ? upstreams.rename(stage) : stage));
  const isInside = reached.some((stage) => listNames(stage).length > 0);
  return {
    stages: reached,
    ...(admin && { admin }),
    ...(isInside && internalBufferBytes !== undefined && { internalBufferBytes }),
  };
}

/** Lists the stages that clients can reach. After splitting, some internal listeners may be unused. */
function findReached(stages: readonly EnvoyStage[]): EnvoyStage[] {
  const reached = new Set<EnvoyStage>();
  const reach = (stage: EnvoyStage): void => {
    if (reached.has(stage)) return;
    reached.add(stage);
    const exits = listInnerExits(stage).map(({ name }) => name);
    stages.filter((other) => listNames(other).some((name) => exits.includes(name))).forEach(reach);
  };
  stages.filter((stage) => listNames(stage).length === 0).forEach(reach);
  return stages.filter((stage) => reached.has(stage));
}

/** Makes unique names for the stages that result from splitting others. */
class FreeNames {
  readonly #taken: Set<string>;

  constructor(stages: readonly Stage[]) {
    this.#taken = new Set(stages.flatMap(listNames));
  }

  take(wanted: string): string {
    const free = [wanted, ...Array.from({ length: this.#taken.size }, (_, index) => `${wanted}-${index + 2}`)];
    const name = free.find((candidate) => !this.#taken.has(candidate)) ?? wanted;
    this.#taken.add(name);
    return name;
  }
}

/** Makes a stage for each listener. Internal ones take the name of their listener, the others that of the old stage. */
function splitListeners(stage: Stage, names: FreeNames): Stage[] {
  return stage.listen.map((address) => {
    if (address.kind === 'internal') return { ...stage, name: address.name, listen: [address] };
    return { ...stage, name: names.take(stage.name), listen: [address] };
  });
}

/** Replaces `localhost` with 127.0.0.1, because Envoy would fail to start on machines without ::1. */
function toOneAddress(address: Stage['listen'][number], { name }: Stage, { notes }: FieldWriter) {
  if (address.kind !== 'tcp' || address.host !== 'localhost') return address;
  notes.push(`${name} listens on 127.0.0.1 alone; for ::1 give it another listener`);
  return { ...address, host: '127.0.0.1' };
}

/** Adds a forward stage for each upstream that is reached through hops. */
function splitUpstreams(stage: HttpStage, names: FreeNames): EnvoyStage[] {
  const inner: ForwardStage[] = [];
  const upstreams = stage.upstreams.map((upstream): Upstream => {
    const { to, route } = upstream;
    if ('field' in to) return upstream;
    if (route.hops.length === 0) return route.entry ? { ...upstream, to: toOne(route.entry) } : upstream;
    const stageIn = toInner(names.take(`${new StageNames().give(upstream.name, 'upstream')}.hops`), to, route);
    inner.push(stageIn);
    return { ...upstream, to: toOne(toInternal(stageIn.name)) };
  });
  return [{ ...stage, upstreams }, ...inner];
}

/** Keeps only the last hop in a stage, and adds a stage for each hop before it, which dials the next hop. */
function splitHops(stage: ForwardStage, names: FreeNames): ForwardStage[] {
  const { hops } = stage.route;
  const inner: ForwardStage[] = [];
  let { entry } = stage.route;
  for (const [index, next] of hops.slice(1).entries()) {
    const [first] = next;
    const choice = hops[index];
    if (!first || !choice) continue;
    const name = names.take(`${stage.name}.hop${index + 1}`);
    const route = { ...toPlainRoute(stage.route), ...(entry && { entry }), hops: [choice] };
    inner.push(toInner(name, toOne(first.address), route));
    entry = toInternal(name);
  }
  return [{ ...stage, route: { ...stage.route, ...(entry && { entry }), hops: hops.slice(-1) } }, ...inner];
}

function toInner(name: string, to: TargetChoice, route: RouteOptions): ForwardStage {
  const limits = { ...route.limits, idleMs: 0 };
  return { name, job: 'forward', listen: [toInternal(name)], to, route: { ...route, limits }, log: false };
}

function toOne(target: Target): TargetChoice {
  return { targets: [target], balance: 'first' };
}

function toInternal(name: string): InternalAddress {
  return { kind: 'internal', name };
}

/** Normalises a stage: removes defaults, and adds the settings that Envoy requires. */
function normaliseStage(stage: EnvoyStage, fields: FieldWriter): EnvoyStage {
  const { log, accessLogs = [], tls, ...others } = stage;
  const logs = (log ? [...accessLogs, { path: '/dev/stderr' }] : accessLogs).map(normaliseLog);
  const common = {
    log: false,
    ...(logs.length > 0 && { accessLogs: logs }),
    ...(tls && { tls: { ...tls, ...(tls.cert !== undefined && { key: tls.key ?? tls.cert }) } }),
  };
  switch (others.job) {
    case 'forward':
      return { ...normaliseForward(others, fields), ...common };
    case 'http':
      return { ...normaliseHttp(others, fields), ...common };
  }
}

/** Adds a newline to a text format, because Envoy does not add one, and leaves a filter out that lets everything pass. */
function normaliseLog({ path, format, when, at = ['ended'] }: AccessLog): AccessLog {
  const isFiltered = when?.every((tests) => tests.length > 0);
  return {
    path,
    ...(format !== undefined && {
      format: typeof format === 'string' && !format.endsWith('\n') ? `${format}\n` : format,
    }),
    ...(when && isFiltered && { when }),
    ...(at.some((moment) => moment !== 'ended') && { at }),
  };
}
