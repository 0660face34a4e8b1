import fc from 'fast-check';
import {
  type Stage,
  type ForwardStage,
  type Graph,
  type HopChoice,
  type HttpStage,
  type ListenerTls,
  listStages,
  type PlainGraph,
  type ProxyStage,
  type Target,
  type TargetChoice,
  type Upstream,
} from '../../../src/chain/model/graph.ts';
import { takesNames } from '../../../src/chain/model/http.ts';
import {
  accessLogs,
  alternatives,
  attempts,
  family,
  type GraphFiles,
  hop,
  ip,
  limits,
  name,
  sentHeader,
  tcp,
  tls,
} from './envoy-hops.ts';
import { fieldChanges } from './field-changes.ts';
import { route, withTaken } from './envoy-routes.ts';
import { toGraph } from './graphs.ts';
import { connectionState, requestState, targetFormat } from './state.ts';
import { ownAnswers } from './own-answers.ts';
import { connectionScreens, requestScreens, routeScreens } from './screens.ts';

const unix: fc.Arbitrary<Target> = fc.record({
  kind: fc.constant('unix' as const),
  path: fc.constantFrom('/run/a.sock', '/tmp/a b: c', "/tmp/'%", './@x'),
});
function forwardStage(stage: Place, files: GraphFiles): fc.Arbitrary<ForwardStage> {
  const one = hop(files).map((only): HopChoice => [only]);
  const hops = fc.tuple(fc.oneof(one, alternatives(files)), fc.array(one, { maxLength: 2 }));
  return fc
    .record({
      hops: fc.option(hops, { nil: undefined }),
      entry: fc.constantFrom(undefined, ...stage.inner),
      to: targets(stage),
      asked: tcp(fc.oneof(name, ip)),
      limits,
      attempts,
      family,
      screens: screensOf(stage),
      state: fc.option(connectionState, { nil: undefined }),
      format: targetFormat,
      balance: fc.constantFrom({}, { hopBalance: 'round-robin' as const }, { hopBalance: 'first' as const }),
      header: sentHeader,
      secured: fc.option(tls(files), { nil: undefined }),
    })
    .map(({ hops: way, entry, to, asked, limits: own, screens, state, format, secured, ...made }) => {
      const [first, others] = way ?? [[], []];
      const [near] = first;
      const list = near ? withoutTwins([entry ? [near] : first, ...others]) : [];
      return {
        ...stage.common,
        job: 'forward',
        ...(screens && { screens }),
        ...(state && { state }),
        ...(near && format !== undefined && { targetFormat: format, open: true }),
        ...(!near && secured?.servername !== undefined && { targetTls: secured }),
        to: near ? { targets: format === undefined ? [asked] : [], balance: 'first' } : to,
        route: {
          hops: list,
          limits: own,
          ...(entry && { entry }),
          ...made.attempts,
          ...made.family,
          ...made.balance,
          ...(!entry && list.length < 2 && !isInside(stage) && made.header),
        },
      };
    });
}

/** Two hbone:// hops in a row have another meaning. */
function withoutTwins(hops: readonly HopChoice[]): readonly HopChoice[] {
  const isMesh = (choice: HopChoice | undefined) => choice?.[0]?.scheme === 'hbone';
  return hops.filter((choice, index) => !isMesh(choice) || !isMesh(hops[index - 1]));
}

function proxyStage(stage: Place, files: GraphFiles): fc.Arbitrary<ProxyStage> {
  return fc
    .record({
      to: targets(stage),
      limits,
      family,
      hops: fc.array(
        hop(files).map((only): HopChoice => [only]),
        { maxLength: 2 },
      ),
      asked: tcp(fc.oneof(name, ip)),
      accept: fc.subarray(['post']),
      proxyProtocol: fc.constantFrom({}, { proxyProtocol: 'v1' as const }, { proxyProtocol: 'v2' as const }),
      passesOn: fc.boolean(),
      isAsked: fc.boolean(),
    })
    .map(({ to, limits: own, family: only, hops, asked, accept, proxyProtocol, passesOn, isAsked }) => {
      const way = withoutTwins(hops);
      const common = { ...stage.common, job: 'proxy', users: {}, allow: [], deny: [], open: true } as const;
      const passable = way.filter(([next]) => next && /^(?:http|h2c|h2)$/.test(next.scheme));
      const bare = passable.map((choice) => choice.map((next) => ({ ...next, headers: [], formats: [] })));
      if (passesOn && bare.length > 0) return { ...common, accept: [], route: { hops: bare, limits: own, ...only } };
      if (isAsked && hops.length === 0)
        return { ...common, accept, route: { hops, limits: own, ...only }, ...proxyProtocol };
      return {
        ...common,
        to: way.length > 0 ? { targets: [asked], balance: 'first' } : to,
        route: { hops: way, limits: own, ...only },
        accept,
        ...proxyProtocol,
      };
    });
}

const upstreamNames = ['up', 'side'] as const;

function httpStage(stage: Place, files: GraphFiles): fc.Arbitrary<HttpStage> {
  const upstream = (own: string): fc.Arbitrary<Upstream> =>
    fc
      .record({
        to: fc.oneof(
          targets(stage),
          fc.constant({ field: ':authority' }),
          fc.constant({ field: ':authority', names: true as const }),
        ),
        limits,
        family,
        version: fc.constantFrom('http1' as const, 'http2' as const),
        tls: fc.option(tls(files), { nil: undefined }),
        header: sentHeader,
      })
      .map(({ to, limits: dial, family: only, version, tls: secure, header }) => ({
        name: `${stage.common.name}-${own}`,
        to,
        route: { hops: [], limits: dial, ...only, ...(!isInside(stage) && header) },
        version,
        // A Unix socket or a field provides no name to verify.
        ...(secure && { tls: 'names' in to ? { cacert: files.ca } : { servername: 'other.example', ...secure } }),
      }));
  return fc
    .record({
      codec: fc.constantFrom('auto' as const, 'http1' as const, 'http2' as const),
      routes: fc.array(route(upstreamNames.map((own) => `${stage.common.name}-${own}`)), {
        minLength: 1,
        maxLength: 4,
      }),
      upstreams: fc.tuple(...upstreamNames.map(upstream)),
      port: fc.constantFrom({}, { ignorePort: true }, { stripPort: 'any' as const }, { stripPort: 'reached' as const }),
      domains: fc.constantFrom(['*'], ['a.example:443', '*.example.com'], ['b.*']),
      limits,
      stageChanges: fieldChanges,
      hostChanges: fieldChanges,
      order: fc.constantFrom({}, { routesChangeLast: true as const }),
      connections: screensOf(stage),
      screens: fc.option(requestScreens, { nil: undefined }),
      state: fc.option(requestState, { nil: undefined }),
      answers: ownAnswers(files.cert),
      taken: fc.constantFrom(undefined, undefined, ['connect'], ['websocket', 'connect']),
      ofRoutes: fc.array(fc.option(routeScreens, { nil: undefined }), { minLength: 4, maxLength: 4 }),
      // The names that requests ask for are looked up in one family.
      asked: family,
    })
    .map(
      ({ codec, routes, upstreams, domains, port, limits: own, asked, stageChanges, hostChanges, order, ...more }) => ({
        ...stage.common,
        ...stageChanges,
        ...order,
        ...(more.connections && { connectionScreens: more.connections }),
        ...(more.screens && { screens: more.screens }),
        ...(more.state && { state: more.state }),
        ...(more.answers && { answers: more.answers }),
        job: 'http',
        open: true,
        codec,
        hosts: [
          {
            name: 'all',
            domains,
            routes: routes.map((each, index) => {
              const screens = more.ofRoutes[index];
              return { ...withTaken(each, more.taken), ...(screens && { screens }) };
            }),
            ...hostChanges,
          },
        ],
        ...port,
        upstreams: upstreams.map((upstream) =>
          takesNames(upstream)
            ? { ...upstream, route: { hops: [], limits: upstream.route.limits, ...asked } }
            : upstream,
        ),
        route: { hops: [], limits: own },
      }),
    );
}

/** Generates screens for the connections of a stage, whose internal listeners know no addresses. */
function screensOf(place: Place) {
  return isInside(place) ? fc.constant(undefined) : fc.option(connectionScreens, { nil: undefined });
}

/** True if other stages may lead to the stage. */
function isInside({ common }: Place): boolean {
  return common.listen.some(({ kind }) => kind === 'internal');
}

/** The position of a stage among the others. */
interface Place {
  readonly common: Pick<Stage, 'name' | 'listen' | 'tls' | 'log' | 'accessLogs' | 'acceptProxyProtocol'>;
  /** The stages that it may lead to. */
  readonly inner: readonly (Target & { readonly kind: 'internal' })[];
}

function targets({ inner }: Place): fc.Arbitrary<TargetChoice> {
  const internal = inner.length > 0 ? [fc.constantFrom<Target>(...inner)] : [];
  const one = fc.oneof(tcp(name), tcp(ip), unix, ...internal).map((target) => [target]);
  const several = fc.array(tcp(fc.oneof(name, ip)), { minLength: 2, maxLength: 3 });
  return fc.record({
    targets: fc.oneof(one, several),
    balance: fc.constantFrom('first' as const, 'round-robin' as const),
  });
}

/** Generates graphs that Envoy can run; a stage may lead to the stages after it. */
export function makeEnvoyGraphs(files: GraphFiles): fc.Arbitrary<Graph> {
  const stage = (index: number, count: number): fc.Arbitrary<Stage> => {
    const inner = Array.from({ length: count - index - 1 }, (_, step) => ({
      kind: 'internal' as const,
      name: `s-${index + step + 1}`,
    }));
    return fc
      .record({
        bind: fc.constantFrom('127.0.0.1', '*', '::1', '0.0.0.0'),
        isReached: fc.boolean(),
        secure: fc.constantFrom<ListenerTls | undefined>(
          undefined,
          { cert: files.cert, key: files.key },
          { cert: files.cert, key: files.key, clientCa: files.ca },
          { cert: files.cert, key: files.key, clientCa: files.ca, clientCert: 'optional' },
          { cert: files.cert, key: files.key, clientCa: files.ca, clientNames: ['DNS:a.example', 'URI:spiffe://td/a'] },
        ),
        log: fc.boolean(),
        logs: accessLogs,
        header: fc.constantFrom(undefined, undefined, 'required' as const, 'optional' as const),
      })
      .chain(({ bind, isReached, secure, log, logs, header }) => {
        const place: Place = {
          inner,
          common: {
            name: `s-${index}`,
            listen: [
              ...(isReached || index === 0 ? [{ kind: 'tcp' as const, host: bind, port: 1000 + index }] : []),
              ...(index === 0 ? [] : [{ kind: 'internal' as const, name: `s-${index}` }]),
            ],
            log,
            ...(header && index === 0 && { acceptProxyProtocol: header }),
            ...(secure && { tls: secure }),
            ...(logs.length > 0 && { accessLogs: logs }),
          },
        };
        return fc.oneof<fc.Arbitrary<Stage>[]>(
          forwardStage(place, files),
          proxyStage(place, files),
          httpStage(place, files),
        );
      });
  };
  return fc
    .integer({ min: 1, max: 4 })
    .chain((count) =>
      fc.record({
        stages: fc.tuple(...Array.from({ length: count }, (_, index) => stage(index, count))),
        more: fc.constantFrom<Partial<PlainGraph>>(
          {},
          { admin: { kind: 'tcp', host: '127.0.0.1', port: 9901 } },
          { internalBufferBytes: 64 * 1024 },
        ),
      }),
    )
    .map(({ stages, more }) => toGraph({ stages, ...more }));
}

/** Maps each field of a hop to its source text, which is its value. */
export function writeFields(graph: Graph): Map<object, string> {
  const hops = listStages(graph).flatMap((stage) =>
    stage.job === 'http' ? stage.upstreams.flatMap(({ route: { hops: list } }) => list) : stage.route.hops,
  );
  return new Map(hops.flat().flatMap(({ headers }) => headers.map((field) => [field, field[1]] as const)));
}
