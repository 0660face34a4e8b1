import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ChainStage, Graph, HopChoice, Limits, RouteOptions } from '../../src/chain/model.ts';
import { printGraph } from '../../src/chain/print.ts';
import type { HeaderField, Hop } from '../../src/core/hop.ts';
import { Secret } from '../../src/core/secret.ts';
import { loadText } from '../support/chain-file.ts';

const host = fc.constantFrom('db', 'a.example.com', '192.0.2.7', '2001:db8::1', '127.0.0.1');
const port = fc.integer({ min: 1, max: 65535 });
const tcp = fc.record({ kind: fc.constant('tcp' as const), host, port });
const unix = fc.record({
  kind: fc.constant('unix' as const),
  path: fc.constantFrom('/run/a.sock', '/a b: c', '/${x}', '/#', '/\'"'),
});
const file = fc.constantFrom('/etc/ca.pem', '/etc/a b&c%.pem', '/etc/$x|y#.pem', '/${HOME}/k');
const ms = fc.constantFrom(0, 1, 250, 1500, 5000, 60_000, 90_000, 3_600_000);
const limits: fc.Arbitrary<Limits> = fc.record({
  dnsMs: ms,
  connectMs: ms,
  tlsMs: ms,
  handshakeMs: ms,
  idleMs: ms,
  lingerMs: ms,
});
/** What somebody may have as a user or a value, with all that means something in a URL or in YAML. */
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
    headers: fc.array(header, { maxLength: 2 }),
  })
  .map(({ scheme, address, credentials, cacert, insecure, headers }) => {
    const isSecured = scheme === 'https' || scheme === 'h2';
    const names = new Set(headers.map(([name]) => name));
    return {
      scheme,
      address,
      tls: isSecured ? { ...(cacert !== undefined && { cacert }), ...(insecure && { insecure }) } : {},
      // Two kinds of credentials for one hop are refused.
      headers: credentials
        ? headers.filter(([name]) => name === 'X-A')
        : names.size > 1
          ? headers.toSorted(([one], [other]) => one.localeCompare(other))
          : headers,
      settings: {},
      ...(credentials && { credentials }),
    };
  });
const choice: fc.Arbitrary<HopChoice> = fc.array(hop, { minLength: 1, maxLength: 2 });

/** A stage with a port of its own, which may lead to the ones behind it. */
function arbitraryStage(index: number, count: number): fc.Arbitrary<ChainStage> {
  const inner = Array.from({ length: count - index - 1 }, (_, step) => ({
    kind: 'internal' as const,
    name: `s-${index + step + 1}`,
  }));
  const internal = inner.length > 0 ? [fc.constantFrom(...inner)] : [];
  const base = fc.record({
    hops: fc.array(choice, { maxLength: 2 }),
    entry: inner.length > 0 ? fc.option(fc.constantFrom(...inner), { nil: undefined }) : fc.constant(undefined),
    targets: fc.array(tcp, { minLength: 1, maxLength: 3 }),
    direct: fc.oneof(tcp, unix, ...internal),
    limits,
    family: fc.constantFrom(undefined, 4 as const, 6 as const),
    retries: fc.constantFrom(undefined, 1, 5),
    balance: fc.constantFrom('first' as const, 'round-robin' as const),
    tls: fc.constantFrom(undefined, {}, { cert: '/c', key: '/c' }, { cert: '/c', key: '/k', clientCa: '/a b' }),
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
  });
  return base.map((parts) => {
    const { hops, entry, family, retries, tls, isProxy } = parts;
    const route: RouteOptions = {
      hops,
      limits: parts.limits,
      ...(entry && { entry }),
      ...(family && { family }),
      ...(retries !== undefined && { retries }),
    };
    const to = { targets: hops.length > 0 || entry ? parts.targets : [parts.direct], balance: parts.balance };
    const shared = {
      name: `s-${index}`,
      listen: [
        { kind: 'tcp' as const, host: parts.bind, port: 1000 + index },
        { kind: 'internal' as const, name: `s-${index}` },
      ],
      route,
      log: parts.log,
      ...(tls && { tls }),
    };
    if (!isProxy) return { ...shared, job: 'forward' as const, to };
    const { accept, users, allow, open, proxyProtocol, leads } = parts;
    return {
      ...shared,
      job: 'proxy' as const,
      accept,
      users,
      allow,
      deny: allow,
      open,
      ...(proxyProtocol && { proxyProtocol }),
      ...(leads && { to }),
    };
  });
}

const graphs: fc.Arbitrary<Graph> = fc
  .integer({ min: 1, max: 4 })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => arbitraryStage(index, count))))
  .map((stages) => ({ stages }));

/** A graph as text in which secrets can be compared. */
function reveal(graph: Graph): unknown {
  return JSON.parse(
    JSON.stringify(graph, (_key, value: unknown) => (value instanceof Secret ? value.reveal() : value)),
  );
}

/** The variables that a printed graph names, with the values that they stand for. */
function nameSecrets({ stages }: Graph) {
  const env: Record<string, string> = {};
  const sources = new Map<object, string>();
  const add = (holder: object, value: string) => {
    const name = `V_${sources.size}`;
    env[name] = value;
    sources.set(holder, `\${${name}}`);
  };
  for (const stage of stages) {
    for (const { credentials, headers } of stage.route.hops.flat()) {
      if (credentials) add(credentials.password, credentials.password.reveal());
      for (const field of headers) add(field, field[1]);
    }
    if (stage.job === 'proxy' && stage.users.single) add(stage.users.single, stage.users.single.password);
  }
  return { env, sources };
}

test('what is printed is read as the same graph', () => {
  fc.assert(
    fc.property(graphs, (graph) => {
      const { env, sources } = nameSecrets(graph);
      expect(reveal(loadText(printGraph(graph, { sources }), env).graph)).toEqual(reveal(graph));
    }),
    { numRuns: 300 },
  );
});

test('what was read from a file is printed as the same file', () => {
  fc.assert(
    fc.property(graphs, (graph) => {
      const { env, sources } = nameSecrets(graph);
      const text = printGraph(graph, { sources });
      const loaded = loadText(text, env);
      expect(printGraph(loaded.graph, { sources: loaded.sources })).toBe(text);
    }),
    { numRuns: 100 },
  );
});

test('no secret is printed, and each is named above', () => {
  const secret = 'a-secret-of-ours';
  const { graph } = loadText(
    `stages:
  a:
    listen: 1
    via: { url: "https://me:\${S}@p", headers: { X-T: \${S}, X-U: [\${S}] } }
    proxy: { users: { me: "\${S}" } }
`
      .replaceAll(': ${S}', ": '${S}'")
      .replace('[${S}]', "['${S}']"),
    { S: secret },
  );
  const text = printGraph(graph);
  expect(text).not.toContain(secret);
  expect(text).toMatch(/^# set TUNL_PROXY_PASSWORD: /m);
  expect(text).toContain('https://me:${TUNL_PROXY_PASSWORD}@p:443');
  expect(text).toContain('X-T: ${TUNL_PROXY_HEADER_1}');
  expect(text).toContain('me: ${TUNL_SERVE_PASSWORD}');
});

test('what goes without saying is not printed', () => {
  const file =
    'stages:\n  a:\n    listen: 1\n    to: internal://b\n  b:\n    via: http://p:1|http://q:1\n    to: c:1\n';
  expect(printGraph(loadText(file).graph)).toBe(file);
});
