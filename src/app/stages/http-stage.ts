import { demandsCertificate, type HttpStage, type ProxyStage, type RouteName } from '../../chain/model/graph.ts';
import { Abort } from '../../core/abort.ts';
import { tellsInside } from '../../chain/model/chosen.ts';
import type { Address } from '../../core/address.ts';
import type { Listener } from '../../core/listener.ts';
import { isLoopback } from '../../core/ip.ts';
import { createAuthenticator } from '../../policy/auth.ts';
import { assertChoiceNotOpen, assertNotOpen } from '../../policy/exposure.ts';
import { parseRule, type PolicyBase } from '../../policy/rules.ts';
import { TunnelGate } from '../../policy/tunnel-gate.ts';
import { createAccessLog, nearestPlace } from '../tunnel/access-log.ts';
import type { RecordEnv } from '../requests/request-record.ts';
import type { PassScreens, Screening } from '../requests/screen.ts';
import { tellAsOne } from '../tunnel/inner-parts.ts';
import { createResuming } from '../tunnel/resuming.ts';
import { createWays, routeProxy } from './proxy-routes.ts';
import type { Route } from './route.ts';
import { sourceFor } from './routes.ts';
import { makePseudonym, serveLink, type ServeEnv } from './serve-link.ts';
import { createAcceptor, createTerms } from './serve-terms.ts';
import { createAuthorise, routeRequests } from './stage-routes.ts';
import type { StageKind, StageParts } from './stage.ts';
import { createUpstream, type ReadyUpstream } from './upstream.ts';

type AnyHttpStage = ProxyStage<RouteName> | HttpStage<RouteName>;
type Upstreams = ReadonlyMap<string, ReadyUpstream>;

/**
 * The kind of stages that speak HTTP, both proxies and stages that route requests:
 *
 *     Link -> tls? -> front -> authenticate -> authorise -> route -> a tunnel | an answer | the request goes on
 */
export const httpStage: StageKind<AnyHttpStage> = {
  async prepare(stage, parts) {
    const route = await parts.routes.get(stage.name, stage.route, sourceFor(stage));
    const { limits } = route.options;
    const ways = stage.job === 'proxy' ? await createWays(stage, parts) : [];
    const terms = await createTerms(stage, limits.handshakeMs);
    if (terms.warning !== undefined) parts.emit({ event: 'notice', level: 'warning', message: terms.warning });
    const { users: sources = {}, allow = [], deny = [], caps = {} } = stage;
    const rules = { allow: allow.map(parseRule), deny: deny.map(parseRule) };
    const [users, acceptor] = await Promise.all([
      createAuthenticator(sources),
      createAcceptor(stage.tls, terms, parts.emit),
    ]);
    // The certificate of an agent is no longer renewed for handshakes that are not to come.
    const endRenewal = () => acceptor?.close?.();
    if (parts.retired.aborted) endRenewal();
    else parts.retired.addEventListener('abort', endRenewal, { once: true });
    const assertListen = judgeListeners(stage, users.required);
    // Addresses are checked as far as their text allows; descriptors are checked once they are bound.
    assertListen(stage.listen.filter(({ kind }) => kind !== 'fd' && kind !== 'internal'));
    const upstreams = await createUpstreams(stage, parts);
    const recordEnv = createRecordEnv(stage, route, upstreams, parts);
    const hasCaps = (caps.total ?? caps.perClient) !== undefined;
    const resumeMs = stage.job === 'proxy' ? (stage.resumeMs ?? 0) : 0;
    const isResuming = resumeMs > 0 || terms.tunnels?.carriers.some(({ isOfRequests }) => isOfRequests);
    const { pass, screening } = stage.job === 'http' ? await loadScreens(stage, parts) : {};
    const answering = stage.job === 'http' ? await loadAnswers(stage) : undefined;
    const setState = stage.job === 'http' && stage.state ? await loadState(stage.state) : undefined;
    const common = {
      stage: stage.name,
      terms,
      front: {
        ...terms.front,
        retired: parts.retired,
        ...(answering?.answerFault && { answerFault: answering.answerFault }),
      },
      ...(answering && { makeAnswer: answering.makeAnswer }),
      users,
      ...(hasCaps && { gate: new TunnelGate(caps) }),
      ...(pass && { pass }),
      ...(setState && { setState }),
      ...(isResuming && { resuming: await createResuming(stage.name, resumeMs) }),
      acceptor,
      limits,
      draining: lightened(parts.scope.draining),
      via: stage.job === 'proxy' ? route.via : [],
      pseudonym: makePseudonym(),
      forwardsVia: stage.job === 'proxy' && [route, ...ways.map((way) => way.route)].some(hasHops),
    };
    const judges = users.required || rules.allow.length + rules.deny.length > 0;
    const createPlans = (base: PolicyBase, record: RecordEnv): Pick<ServeEnv, 'route' | 'tunnel' | 'openPlain'> => {
      if (stage.job === 'http') {
        return {
          route: routeRequests(stage, upstreams, judges ? createAuthorise(rules, base) : undefined, record, screening),
        };
      }
      return routeProxy(stage, { route, ways }, rules, base, parts, record, common.pseudonym);
    };
    const envs = new Map<Vantage, ServeEnv>();
    const envOf = (vantage: Vantage): ServeEnv => {
      const known = envs.get(vantage);
      if (known) return known;
      const record = { ...recordEnv, ...(isInner(stage, vantage) && { record: 'none' as const }) };
      const base = vantage === 'exposed' || vantage === 'inside exposed' ? 'deny-special' : 'allow-all';
      const env = { ...record, ...common, ...createPlans(base, record) };
      envs.set(vantage, env);
      return env;
    };
    // The vantage of a listener never changes, and is asked for with each Link.
    const byListener = new WeakMap<Listener, ServeEnv>();
    const envAt = (listener: Listener | undefined): ServeEnv => {
      if (!listener) return envOf(parts.isExposed(stage.name) ? 'inside exposed' : 'inside');
      const env = byListener.get(listener) ?? envOf(isLoopback(listener.address) ? 'local' : 'exposed');
      byListener.set(listener, env);
      return env;
    };
    return {
      stage,
      route,
      ...(acceptor && { acceptor }),
      onLink(link, origin, listener) {
        void serveLink(envAt(listener), link, tellAsOne(origin));
        return taken;
      },
      assertListen: ({ address }) => assertListen([address]),
      async reload() {
        await Promise.all([users.reload(), ...[...upstreams.values()].map((upstream) => upstream.reload())]);
      },
      async close() {
        acceptor?.close?.();
        await Promise.all([...upstreams.values()].map((upstream) => upstream.close()));
      },
    };
  },
};

function hasHops({ options }: Route): boolean {
  return options.hops.length > 0;
}

/** Makes the checks of connections and of requests, which are loaded for the stages that have some. */
async function loadScreens(
  stage: HttpStage<RouteName>,
  { countScreens }: StageParts,
): Promise<{ readonly pass?: PassScreens; readonly screening?: Screening }> {
  const { connectionScreens, screens, hosts } = stage;
  const hasScreens = screens ?? hosts.some(({ routes }) => routes.some((route) => route.screens));
  if (!connectionScreens && !hasScreens) return {};
  const { createPassScreens, createScreening } = await import('../requests/screen.ts');
  return {
    ...(connectionScreens && { pass: createPassScreens(connectionScreens, countScreens?.(stage.name, 'connections')) }),
    ...(hasScreens && { screening: createScreening(stage, countScreens?.(stage.name, 'requests')) }),
  };
}

/** Makes what makes the answers of the stage itself, and those to what cannot be read as a request. */
async function loadAnswers({ answers }: HttpStage<RouteName>) {
  const { createAnswerFault, createOwnAnswers } = await import('../requests/own-answers.ts');
  const makeAnswer = await createOwnAnswers(answers);
  return { makeAnswer, ...(answers && { answerFault: createAnswerFault(makeAnswer) }) };
}

/**
 * Returns a light signal that is aborted when `signal` is, for connections to listen to: an AbortSignal of Node costs each of them
 * 35 calls. It follows to the end of the process, so it is made once for a stage.
 */
function lightened(signal: AbortSignal): AbortSignal {
  const abort = new Abort();
  const follow = () => abort.abort(signal.reason);
  if (signal.aborted) follow();
  else signal.addEventListener('abort', follow, { once: true });
  return abort.signal;
}

/** Makes what gives each request its values, which is loaded for the stages that have some. */
async function loadState(values: NonNullable<HttpStage['state']>) {
  const { createSetState } = await import('../../syntax/format/state.ts');
  return createSetState(values);
}

/** The answer for each Link: what happens to it is told elsewhere. */
const taken: Promise<undefined> = Promise.resolve(undefined);

/** The origin of a Link: another stage or a listener of our own, and whether other machines reach that. */
type Vantage = 'inside' | 'inside exposed' | 'local' | 'exposed';

/** Makes a check that refuses listeners on which anybody could use the stage and choose its destination. */
function judgeListeners(stage: AnyHttpStage, hasUsers: boolean): (listen: readonly Address[]) => void {
  const { open = false } = stage;
  const exposure = { hasUsers, hasClientCa: demandsCertificate(stage.tls), open };
  if (stage.job === 'proxy') return (listen) => assertNotOpen({ listen, ...exposure });
  const isChosen = stage.upstreams.some(({ to }) => 'field' in to) || tellsInside(stage);
  return (listen) => isChosen && assertChoiceNotOpen({ listen, ...exposure });
}

async function createUpstreams(stage: AnyHttpStage, { routes, listeners }: StageParts): Promise<Upstreams> {
  const upstreams = stage.job === 'http' ? stage.upstreams : [];
  const made = upstreams.map(async (upstream) => {
    const route = await routes.get(upstream.name, upstream.route);
    const sessions = routes.isOriginSeen(upstream) ? 'per-request' : 'shared';
    const takePool = routes.takeConnections(route.options);
    return [upstream.name, await createUpstream(upstream, { route, sessions, listeners, takePool })] as const;
  });
  return new Map(await Promise.all(made));
}

/** True if the outer stage keeps the record of a request. A proxy always keeps its own record. */
function isInner({ job, log }: AnyHttpStage, vantage: Vantage): boolean {
  return vantage.startsWith('inside') && job === 'http' && !log;
}

function createRecordEnv(
  { accessLogs }: AnyHttpStage,
  route: Route,
  upstreams: Upstreams,
  { logFiles, tunnels, emit }: StageParts,
): RecordEnv {
  const write = createAccessLog(accessLogs, logFiles, 'http');
  const nearest = (name: string, target: Address) =>
    nearestPlace((upstreams.get(name)?.route ?? route).options, target);
  return { limits: route.options.limits, tunnels, emit, record: 'asked', nearest, ...(write && { access: { write } }) };
}
