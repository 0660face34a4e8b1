import fc from 'fast-check';
import type {
  FieldMatch,
  HttpAction,
  HttpRoute,
  HttpStage,
  Redirect,
  Rewrite,
  RouteOptions,
  StagePolicy,
  Target,
  Upstream,
} from '../../../src/chain/model/graph.ts';
import { fieldChanges } from './field-changes.ts';
import { bodyForm, ownAnswers } from './own-answers.ts';
import { requestScreens, routeScreens } from './screens.ts';
import type { TcpAddress } from '../../../src/core/address.ts';

/** Removes the members that are undefined. */
export function leaveOut<T extends object>(parts: T): T {
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined)) as T;
}

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const text = fc.constantFrom('', 'a', ' b: "c"', '${x}', '*', '#', 'true', '200');
const ms = fc.constantFrom(0, 250, 15_000, 3_600_000);

const value = fc.record({ kind: fc.constantFrom('exact', 'prefix', 'suffix', 'contains'), value: text });
/** Generates a condition on a field. */
export const field = (name: string): fc.Arbitrary<FieldMatch> =>
  fc
    .record({ value: maybe(value), invert: fc.constantFrom(undefined, true) })
    .map((parts) => leaveOut({ name, ...parts }) as FieldMatch);
/** Groups fields of the same name. */
const fields = fc
  .tuple(...[':method', 'x-a', ':authority', '1'].map((name) => fc.array(field(name), { maxLength: 2 })))
  .map((groups) => {
    const all = groups.flat();
    // JavaScript orders numeric names first.
    return [...all.filter(({ name }) => name === '1'), ...all.filter(({ name }) => name !== '1')];
  });
const method = fc
  .constantFrom('GET', 'POST')
  .map((name) => ({ name: ':method', value: { kind: 'exact' as const, value: name } }));
const match = fc
  .record({
    path: fc.oneof(
      fc.constant({ kind: 'connect' as const }),
      fc.record({
        kind: fc.constantFrom('prefix' as const, 'exact' as const),
        value: fc.constantFrom('/', '/a b', '/${x}', ''),
      }),
    ),
    method: maybe(method),
    fields,
  })
  .map(({ path, method: first, fields: rest }) => ({
    path,
    fields: first ? [first, ...rest.filter(({ name }) => name !== ':method')] : rest,
  }));

const rewrite: fc.Arbitrary<Rewrite | undefined> = fc.constantFrom(
  undefined,
  { host: 'a.example:1' },
  { hostField: 'x-a' },
  { hostOfTarget: true as const, prefix: '/${x}' },
);

function arbitraryAction(upstream: fc.Arbitrary<string>): fc.Arbitrary<HttpAction> {
  const answer = fc.record({
    kind: fc.constant('answer'),
    status: fc.integer({ min: 200, max: 599 }),
    body: maybe(text),
    form: bodyForm,
    upgrades: fc.constantFrom(undefined, undefined, ['connect'], ['websocket', 'connect']),
  });
  const requests = fc.record({
    kind: fc.constant('requests'),
    upstream,
    timeoutMs: ms,
    idleMs: maybe(ms),
    lifetimeMs: maybe(ms),
    upgrades: fc.subarray(['websocket', 'connect']),
    rewrite,
  });
  const tunnels = fc.record({
    kind: fc.constant('tunnels'),
    upstream,
    post: fc.boolean(),
    idleMs: maybe(ms),
    lifetimeMs: maybe(ms),
    proxyProtocol: fc.constantFrom(undefined, 'v1', 'v2'),
    rewrite,
  });
  const elsewhere = fc.record({
    kind: fc.constant('answer'),
    status: fc.constantFrom(301, 302, 303, 307, 308),
    redirect: fc.constantFrom<Redirect>(
      {},
      { scheme: 'https', dropsQuery: true },
      { host: 'a.example:1', path: '/${x}?a' },
      { port: 8443, prefix: '/b' },
    ),
  });
  return fc.oneof(answer, elsewhere, requests, tunnels).map((action) => leaveOut(action) as HttpAction);
}

type HttpParts = Pick<
  HttpStage,
  | 'codec'
  | 'hosts'
  | 'ignorePort'
  | 'stripPort'
  | 'upstreams'
  | 'open'
  | 'changes'
  | 'answers'
  | 'routesChangeLast'
  | keyof StagePolicy
>;

/** Generates the policy of a stage; usually everyone may use it. */
const policy: fc.Arbitrary<Partial<StagePolicy>> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  fc
    .record({
      users: fc.constantFrom(undefined, { authFile: '/${a} b' }, { single: { user: 'al ice', password: 'x' } }),
      allow: fc.constantFrom(undefined, ['*.example.com:443,22', '10.0.0.0/8:*']),
      deny: fc.constantFrom(undefined, ['[::1]:22']),
      caps: fc.constantFrom(undefined, { total: 5 }, { perClient: 1, perSession: 2 }),
    })
    .map((parts) => leaveOut(parts) as Partial<StagePolicy>),
);

/** Generates the hosts and upstreams of an HTTP stage; the upstreams lead to some of the given addresses. */
export function arbitraryHttp(
  place: fc.Arbitrary<Target>,
  remote: fc.Arbitrary<TcpAddress>,
  way: fc.Arbitrary<RouteOptions>,
): fc.Arbitrary<HttpParts> {
  const tls = fc.constantFrom(
    undefined,
    {},
    { cacert: '/${a} b', insecure: true },
    { cert: '/c', key: '/c', servername: 'x' },
  );
  const balance = fc.constantFrom('first' as const, 'round-robin' as const);
  const upstream = (name: string): fc.Arbitrary<Upstream> =>
    fc
      .record({
        route: way,
        places: fc.array(place, { minLength: 1, maxLength: 2 }),
        remotes: fc.array(remote, { minLength: 1, maxLength: 2 }),
        field: maybe(fc.constantFrom(':authority', 'x-target')),
        balance,
        version: fc.constantFrom('http1', 'http2'),
        tls,
      })
      .map(({ route, places, remotes, field: name_, balance: which, ...rest }) => ({
        name,
        to: name_ ? { field: name_ } : { targets: route.hops.length > 0 ? remotes : places, balance: which },
        route,
        version: rest.version as Upstream['version'],
        ...(rest.tls && { tls: rest.tls }),
      }));
  const names = ['up-1', 'db:5432', 'field::authority', '${x} |'];
  return fc
    .tuple(
      fc.subarray(names, { minLength: 1 }).chain((some) => fc.tuple(...some.map(upstream))),
      fc.boolean(),
    )
    .chain(([upstreams, open]) => {
      const routes: fc.Arbitrary<HttpRoute[]> = fc.array(
        fc
          .record({
            match,
            action: arbitraryAction(fc.constantFrom(...upstreams.map(({ name }) => name))),
            changes: fieldChanges,
            screens: fc.option(routeScreens, { nil: undefined }),
          })
          .map(({ changes, screens, ...parts }) => ({ ...parts, ...changes, ...(screens && { screens }) }))
          // A CONNECT cannot be redirected.
          .filter((one) => one.match.path.kind !== 'connect' || !('redirect' in one.action)),
        { maxLength: 3 },
      );
      const host = (name: string, domains: readonly string[]) =>
        fc.tuple(routes, fieldChanges).map(([list, changes]) => ({ name, domains, routes: list, ...changes }));
      const hosts = fc.tuple(
        host('local', ['a.example.com', '*.example.com:8080']),
        host('www.*', ['www.*']),
        fc.boolean().chain((isBare) => host(isBare ? '*' : 'All ${x}', ['*'])),
      );
      const parts = fc.record({
        codec: fc.constantFrom('auto' as const, 'http1' as const, 'http2' as const),
        hosts: hosts.chain((all) => fc.subarray(all)),
        upstreams: fc.constant(upstreams),
        ignorePort: fc.constantFrom(undefined, true),
        stripPort: fc.constantFrom(undefined, 'any' as const, 'reached' as const),
        screens: maybe(requestScreens),
        answers: ownAnswers('/${a} b'),
        ...(open && { open: fc.constant(true) }),
      });
      const order = fc.constantFrom({}, { routesChangeLast: true as const });
      return fc
        .tuple(parts, policy, fieldChanges, order)
        .map(([own, given, changes, way]) => leaveOut({ ...own, ...given, ...changes, ...way }) as HttpParts);
    });
}
