import { tellsInside } from '../../../chain/model/chosen.ts';
import { listAnswered } from '../../../chain/model/http.ts';
import type { HttpAction, HttpRoute, HttpStage, Screen, Upstream } from '../../../chain/model/graph.ts';
import { defaultLimits } from '../../../syntax/settings.ts';
import { normaliseTargetTls } from './hop.ts';
import { normaliseChoice, normaliseRoute, normaliseState, toPlainRoute } from './route.ts';
import { normaliseChanges } from '../header-changes.ts';
import type { FieldWriter } from '../fields.ts';
import { normaliseAnswers } from '../local-reply.ts';
import { StageNames } from '../../names.ts';

/** Normalises an HTTP stage: removes unused upstreams, and writes equivalent settings in the same way. */
export function normaliseHttp(stage: Omit<HttpStage, 'log'>, fields: FieldWriter): Omit<HttpStage, 'log'> {
  const names = new StageNames();
  const answered = listAnswered(stage.hosts.flatMap(({ routes }) => routes));
  const hosts = stage.hosts.map(({ name, domains, routes, changes }) => ({
    name: names.give(name, 'host'),
    domains: domains.map((domain) => domain.toLowerCase()),
    routes: routes.map((route) => normaliseHttpRoute(route, stage.screens, answered, fields)),
    ...normaliseChanges(changes, fields),
  }));
  const used = new Set(hosts.flatMap(({ routes }) => routes.flatMap(({ action }) => listUpstreams(action))));
  const upstreams = [...used].flatMap((name) => stage.upstreams.find((upstream) => upstream.name === name) ?? []);
  const { limits } = normaliseRoute(stage.route, [], fields);
  const { connectMs, tlsMs } = defaultLimits('envoy');
  const leadsInside = ({ to }: Upstream) => !('field' in to) && to.targets.some(({ kind }) => kind === 'internal');
  const state = normaliseState(stage.state, upstreams.some(leadsInside));
  const { open: _open, state: _given, ...others } = stage;
  return {
    ...others,
    ...state,
    ...normaliseChanges(stage.changes, fields),
    ...normaliseAnswers(stage.answers, fields),
    // Envoy lets all clients choose the target.
    ...((upstreams.some(({ to }) => 'field' in to) || tellsInside(state)) && { open: true }),
    hosts,
    // The stage itself dials nothing.
    route: { hops: [], limits: { ...limits, connectMs, tlsMs } },
    upstreams: upstreams.map((upstream) => normaliseUpstream(upstream, fields)),
  };
}

function listUpstreams(action: HttpAction): string[] {
  return action.kind === 'answer' ? [] : [action.upstream];
}

function normaliseHttpRoute(
  { match, action, changes, screens }: HttpRoute,
  usual: readonly Screen[] | undefined,
  answered: readonly string[],
  writer: FieldWriter,
): HttpRoute {
  const hasOwn = screens && JSON.stringify(screens) !== JSON.stringify(usual ?? []);
  const fields = match.fields.map(({ name, value, invert }) => ({
    name: name.toLowerCase(),
    ...(value && { value }),
    ...(invert && { invert }),
  }));
  return {
    match: { ...match, fields },
    action: normaliseAction(action, answered),
    ...normaliseChanges(changes, writer),
    ...(hasOwn && { screens }),
  };
}

/** Writes an action in one way, with those changes of protocol first that routes answer: they are the filter's. */
function normaliseAction(action: HttpAction, answered: readonly string[]): HttpAction {
  if (action.kind === 'tunnels') return action;
  const { upgrades = [] } = action;
  const ordered = [...new Set([...answered.filter((name) => upgrades.includes(name)), ...upgrades])];
  if (action.kind === 'requests') return { ...action, upgrades: ordered };
  const { body = '', upgrades: _given, ...others } = action;
  return { ...others, ...(body !== '' && { body }), ...(ordered.length > 0 && { upgrades: ordered }) };
}

function normaliseUpstream({ name, to, route, version, tls }: Upstream, fields: FieldWriter): Upstream {
  const { entry: _entry, ...rest } = toPlainRoute(route);
  const tidied = normaliseRoute(rest, 'field' in to ? 'any' : to.targets, fields);
  // Only names have a family, and an address in a field has one of its own.
  const { family, ...others } = tidied;
  const isResolved = !('field' in to) || to.names === true;
  return {
    name,
    to: 'field' in to ? { ...to, field: to.field.toLowerCase() } : normaliseChoice(to),
    // The idle limit applies to the client's side only.
    route: { ...others, ...(family && isResolved && { family }), hops: [], limits: { ...tidied.limits, idleMs: 0 } },
    version,
    ...(tls && { tls: normaliseTargetTls(tls, 'field' in to ? [] : to.targets) }),
  };
}

/** Gives upstreams names that are unique in the whole graph. Equal upstreams share a name. */
export class UpstreamNames {
  readonly #known = new Map<string, string>();

  /** Returns the stage with its upstreams renamed where necessary. */
  rename(stage: HttpStage): HttpStage {
    const names = new Map(stage.upstreams.map((upstream) => [upstream.name, this.#give(stage.name, upstream)]));
    const rename = (action: HttpAction): HttpAction =>
      action.kind === 'answer' ? action : { ...action, upstream: names.get(action.upstream) ?? action.upstream };
    return {
      ...stage,
      upstreams: stage.upstreams.map((upstream) => ({ ...upstream, name: names.get(upstream.name) ?? upstream.name })),
      hosts: stage.hosts.map((host) => ({
        ...host,
        routes: host.routes.map((route) => ({ ...route, action: rename(route.action) })),
      })),
    };
  }

  #give(stage: string, { name, ...content }: Upstream): string {
    const text = JSON.stringify(content);
    const own = new StageNames().give(name, 'upstream');
    const names = [
      own,
      `${stage}.${own}`,
      ...Array.from({ length: this.#known.size }, (_, at) => `${stage}.${own}-${at + 2}`),
    ];
    const given = names.find((candidate) => [undefined, text].includes(this.#known.get(candidate))) ?? own;
    this.#known.set(given, text);
    return given;
  }
}
