import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Graph, listStages, listRoutesOut, toPlain } from '../../../src/chain/model/graph.ts';
import { printGraph } from '../../../src/chain/print/graph.ts';
import { Secret } from '../../../src/core/secret.ts';
import { graphs } from '../../support/graphs/arbitrary-graphs.ts';
import { loadText } from '../../support/graphs/chain-file.ts';

/** A graph as text in which secrets can be compared. */
function reveal(graph: Graph): unknown {
  return JSON.parse(
    JSON.stringify(toPlain(graph), (_key, value: unknown) => (value instanceof Secret ? value.reveal() : value)),
  );
}

/** The variables that a printed graph names, with the values that they stand for. */
function nameSecrets(graph: Graph) {
  const env: Record<string, string> = {};
  const sources = new Map<object, string>();
  const add = (holder: object, value: string) => {
    // A holder that stands in two places has one name: a second would take that of the next.
    if (sources.has(holder)) return;
    const name = `V_${sources.size}`;
    env[name] = value;
    sources.set(holder, `\${${name}}`);
  };
  for (const stage of listStages(graph)) {
    for (const { credentials, headers } of listRoutesOut(stage).flatMap(({ route }) => route.hops.flat())) {
      if (credentials) add(credentials.password, credentials.password.reveal());
      for (const field of headers) add(field, field[1]);
    }
    if (stage.job !== 'forward' && stage.users?.single) add(stage.users.single, stage.users.single.password);
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

test('an empty password and bytes that are no UTF-8 are printed as they are written in a URL', () => {
  const text = `stages:
  a: { listen: 1, via: [http://KEY:@p, 'http://j%F6rg:\${S}@q'], to: t:1 }
`;
  const { graph } = loadText(text, { S: 'x' });
  expect(listStages(graph)[0]?.route.hops[0]?.[0]?.credentials?.password.reveal()).toBe('');
  const printed = printGraph(graph);
  expect(printed).toContain('http://KEY:@p:80');
  expect(printed).toContain('http://j%F6rg:${TUNL_PROXY_PASSWORD}@q:80');
});

test('what goes without saying is not printed', () => {
  const file =
    'stages:\n  a:\n    listen: 1\n    to: internal://b\n  b:\n    via: http://p:1|http://q:1\n    to: c:1\n';
  expect(printGraph(loadText(file).graph)).toBe(file);
});

test('an HTTP stage is printed as people write it', () => {
  const file = `admin: 9901
internal-buffer: 256KiB
stages:
  web:
    listen: 10000
    http:
      hosts:
        api.example.com: [ { to: api } ]
      routes:
        - { path: /health, answer: 200 ok }
        - { method: GET, headers: { x-a: true }, to: internal://encap }
        - { connect: true, headers: { foo: bar }, tunnel-to: field::authority }
        - { connect: true, tunnel-to: db:5432, idle: off }
      upstreams:
        api: { to: a:1, http2: true, via: h2c://p:1 }
    limits: { connect: 2s }
    access-log:
      - /dev/stdout
      - path: /dev/stderr
        when:
          - { status: ">= 500", flags: UF|NR, headers: { x-a: true } }
          - { took: [ ">= 1s", "!= 5m" ], flags: true }
  encap:
    via: { any: [ http://p:1, http://q:1 ], balance: round-robin }
    to: c:1
    limits: { lifetime: 1h }
    retry: { times: 2, base: 100ms, max: 1s, on: any }
`;
  expect(printGraph(loadText(file).graph)).toBe(file);
});
