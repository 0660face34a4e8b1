import fc from 'fast-check';
import type {
  ListenerTls,
  AccessLog,
  Stage,
  Graph,
  HopChoice,
  Limits,
  PlainGraph,
  RouteOptions,
} from '../../../src/chain/model/graph.ts';
import { comparisonSigns, logMoments, type LogTest, sortTests } from '../../../src/chain/model/log-filter.ts';
import { frontKinds } from '../../../src/fronts/index.ts';
import { halfCloses, type HeaderField, type Hop } from '../../../src/core/hop.ts';
import { Secret } from '../../../src/core/secret.ts';
import { arbitraryHttp, field, leaveOut } from './arbitrary-http.ts';
import { connectionScreens } from './screens.ts';
import { toGraph } from './graphs.ts';

const host = fc.constantFrom('db', 'a.example.com', '192.0.2.7', '2001:db8::1', '127.0.0.1');
/** Ports above those of the listeners, so that a graph cannot form a loop. */
const port = fc.integer({ min: 2000, max: 65535 });
const tcp = fc.record({ kind: fc.constant('tcp' as const), host, port });
const unix = fc.record({
  kind: fc.constant('unix' as const),
  path: fc.constantFrom('/run/a.sock', '/a b: c', '/${x}', '/#', '/\'"'),
});
const file = fc.constantFrom('/etc/ca.pem', '/etc/a b&c%.pem', '/etc/$x|y#.pem', '/${HOME}/k');
const ms = fc.constantFrom(0, 1, 250, 1500, 5000, 60_000, 90_000, 3_600_000);
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const limits: fc.Arbitrary<Limits> = fc
  .record({
    dnsMs: ms,
    connectMs: ms,
    tlsMs: ms,
    handshakeMs: ms,
    idleMs: ms,
    lingerMs: ms,
    halfCloseWaitMs: ms,
    lifetimeMs: maybe(ms),
  })
  .map((parts) => leaveOut(parts) as Limits);
/** Generates users and values, with characters that have a meaning in URLs or in YAML. */
const awkward = fc.stringMatching(/^[!-9;-~]([ -~]{0,12}[!-~])?$/);
const header: fc.Arbitrary<HeaderField> = fc.tuple(fc.constantFrom('X-A', 'Proxy-Authorization'), awkward);

const hop: fc.Arbitrary<Hop> = fc
  .record({
    scheme: fc.constantFrom('http', 'https', 'h2c', 'h2'),
    address: tcp,
    credentials: fc.option(
      fc.record({
        user: awkward.filter((text) => !text.includes(':')),
        password: awkward.map((text) => new Secret(text)),
      }),
      { nil: undefined },
    ),
    cacert: fc.option(file, { nil: undefined }),
    insecure: fc.boolean(),
    noSystemCa: fc.boolean(),
    halfClose: fc.constantFrom(undefined, ...halfCloses),
    headers: fc.array(header, { maxLength: 2 }),
    formats: fc.array(fc.tuple(fc.constant('X-F'), fc.constantFrom('%DURATION%', 'a ${x} %%', '1')), { maxLength: 2 }),
  })
  .map(({ scheme, address, credentials, cacert, insecure, noSystemCa, halfClose, headers, formats }) => {
    const isSecured = scheme === 'https' || scheme === 'h2';
    const names = new Set(headers.map(([name]) => name));
    return {
      scheme,
      address,
      ...(halfClose && { halfClose }),
      tls: isSecured ? leaveOut({ cacert, insecure: insecure || undefined, noSystemCa: noSystemCa || undefined }) : {},
      // Two kinds of credentials for one hop are refused.
      headers: credentials
        ? headers.filter(([name]) => name === 'X-A')
        : names.size > 1
          ? headers.toSorted(([one], [other]) => one.localeCompare(other))
          : headers,
      settings: {},
      ...(formats.length > 0 && { formats }),
      ...(credentials && { credentials }),
    };
  });
const choice: fc.Arbitrary<HopChoice> = fc.array(hop, { minLength: 1, maxLength: 2 });

const logTest: fc.Arbitrary<LogTest> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('status', 'took'),
    compare: fc.constantFrom(...comparisonSigns),
    value: fc.constantFrom(0, 404, 1500),
  }),
  fc.record({ kind: fc.constant('flags'), flags: fc.subarray(['UF', 'NR']) }),
  fc.record({ kind: fc.constant('field'), field: fc.oneof(field('x-b'), field('x-a')) }),
);
const logFilter = fc.array(fc.array(logTest, { minLength: 1, maxLength: 4 }).map(sortTests), {
  minLength: 1,
  maxLength: 2,
});
const accessLog: fc.Arbitrary<AccessLog> = fc
  .record({
    path: file,
    format: maybe(fc.oneof(fc.constantFrom('%DURATION% ${x}\n', 'a'), fc.constant({ ms: '%DURATION%', 'a b': '#' }))),
    when: maybe(logFilter),
    at: maybe(fc.subarray([...logMoments], { minLength: 1 })),
  })
  .map((parts) => leaveOut(parts) as AccessLog);

/** Generates the parts of a route. */
const wayParts = {
  hops: fc.array(choice, { maxLength: 2 }),
  limits,
  family: fc.constantFrom(undefined, 4 as const, 6 as const),
  sourceAddress: fc.constantFrom(undefined, '127.0.0.2', '::1'),
  sendProxyProtocol: fc.constantFrom(undefined, 'v1' as const, 'v2' as const),
  resolver: fc.constantFrom(undefined, 'system' as const, 'dns' as const),
  retries: fc.constantFrom(undefined, 1, 5),
  backOff: fc.constantFrom(undefined, { baseMs: 100, maxMs: 1000 }, { baseMs: 1, maxMs: 2 }),
  retryOn: fc.constantFrom(undefined, 'passing' as const, 'any' as const),
  hopBalance: fc.constantFrom(undefined, 'first' as const, 'round-robin' as const),
};
const ways = fc.record(wayParts).map(toRoute);

type WayParts = { readonly [part in keyof RouteOptions]: RouteOptions[part] | undefined } & Pick<
  RouteOptions,
  'hops' | 'limits'
>;

function toRoute({
  hops,
  limits: own,
  entry,
  family,
  sourceAddress,
  sendProxyProtocol,
  resolver,
  retries,
  backOff,
  retryOn,
  hopBalance,
}: WayParts): RouteOptions {
  return {
    hops,
    limits: own,
    ...leaveOut({
      entry,
      family,
      sourceAddress,
      sendProxyProtocol,
      resolver,
      retries,
      backOff,
      retryOn,
      hopBalance: hops.length > 0 ? hopBalance : undefined,
    }),
  } as RouteOptions;
}

/** Generates a stage with a port of its own, which may lead to the stages after it. */
function arbitraryStage(index: number, count: number): fc.Arbitrary<Stage> {
  const inner = Array.from({ length: count - index - 1 }, (_, step) => ({
    kind: 'internal' as const,
    name: `s-${index + step + 1}`,
  }));
  const internal = inner.length > 0 ? [fc.constantFrom(...inner)] : [];
  const base = fc.record({
    ...wayParts,
    entry: inner.length > 0 ? fc.option(fc.constantFrom(...inner), { nil: undefined }) : fc.constant(undefined),
    targets: fc.array(tcp, { minLength: 1, maxLength: 3 }),
    direct: fc.oneof(tcp, unix, ...internal),
    accessLogs: maybe(fc.array(accessLog, { minLength: 1, maxLength: 2 })),
    http: arbitraryHttp(internal.length > 0 ? fc.oneof(tcp, unix, ...internal) : fc.oneof(tcp, unix), tcp, ways),
    isHttp: fc.boolean(),
    screens: fc.option(connectionScreens, { nil: undefined }),
    targetTls: fc.constantFrom(
      undefined,
      {},
      { cacert: '/${a} b', insecure: true },
      { cert: '/c', key: '/c', servername: 'x' },
    ),
    balance: fc.constantFrom('first' as const, 'round-robin' as const),
    tls: fc.constantFrom<ListenerTls | undefined>(
      undefined,
      {},
      { cert: '/c', key: '/c' },
      { cert: '/c', key: '/k', clientCa: '/a b' },
      { clientCa: '/a', clientCert: 'optional', clientNames: ['DNS:a'] },
    ),
    bind: fc.constantFrom('127.0.0.1', '*', '::1', '0.0.0.0'),
    log: fc.boolean(),
    isProxy: fc.boolean(),
    leads: fc.boolean(),
    accept: fc.subarray(['post']),
    users: fc.oneof(
      fc.constant({}),
      file.map((authFile) => ({ authFile })),
      awkward.map((password) => ({ single: { user: 'al ice', password } })),
    ),
    allow: fc.subarray(['*.example.com:443,22', '10.0.0.0/8:*', '[::1]:22']),
    open: fc.boolean(),
    proxyProtocol: fc.constantFrom(undefined, 'v1' as const, 'v2' as const),
    acceptProxyProtocol: fc.constantFrom(undefined, 'required' as const, 'optional' as const),
    statuses: fc.constantFrom(undefined, 'envoy' as const),
    front: fc.constantFrom(undefined, ...frontKinds),
  });
  return base.map((parts) => {
    const { hops, entry, tls, isProxy } = parts;
    const route = toRoute(parts);
    const to = { targets: hops.length > 0 || entry ? parts.targets : [parts.direct], balance: parts.balance };
    const shared = {
      name: `s-${index}`,
      listen: [
        { kind: 'tcp' as const, host: parts.bind, port: 1000 + index },
        { kind: 'internal' as const, name: `s-${index}` },
      ],
      route,
      log: parts.log,
      ...(parts.acceptProxyProtocol && { acceptProxyProtocol: parts.acceptProxyProtocol }),
      ...(tls && { tls }),
      ...(parts.accessLogs && { accessLogs: parts.accessLogs }),
    };
    if (parts.isHttp)
      return {
        ...shared,
        job: 'http' as const,
        ...parts.http,
        ...(parts.screens && { connectionScreens: parts.screens }),
        route: { hops: [], limits: parts.limits },
      };
    if (!isProxy)
      return {
        ...shared,
        job: 'forward' as const,
        to,
        ...(parts.screens && { screens: parts.screens }),
        ...(parts.targetTls && { targetTls: parts.targetTls }),
      };
    const { accept, users, allow, open, proxyProtocol, statuses, leads, front } = parts;
    return {
      ...shared,
      job: 'proxy' as const,
      accept,
      users,
      allow,
      deny: allow,
      open,
      ...(proxyProtocol && { proxyProtocol }),
      ...(statuses && { statuses }),
      ...(front !== undefined && { front }),
      ...(leads && { to }),
    };
  });
}

/** Generates graphs of all kinds, with characters that have a meaning in YAML and in URLs. */
export const graphs: fc.Arbitrary<Graph> = fc
  .integer({ min: 1, max: 4 })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => arbitraryStage(index, count))))
  .chain((stages) =>
    fc.record({
      stages: fc.constant(stages),
      admin: fc.constantFrom(
        undefined,
        { kind: 'tcp' as const, host: '127.0.0.1', port: 9901 },
        { kind: 'unix' as const, path: '/a' },
      ),
      internalBufferBytes: fc.constantFrom(undefined, 1024, 65_537, 1_048_576),
    }),
  )
  .map((graph) => toGraph(leaveOut(graph) as PlainGraph));
