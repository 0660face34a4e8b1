import { expect, test } from 'vitest';
import { loadText } from '../../support/graphs/chain-file.ts';
import { refusalOf } from '../../support/usage.ts';

const head = 'stages:\n  web:\n    listen: 1\n    http:\n';
const routes = `${head}      routes:\n        - `;

/** The hint behind an unknown key. */
const keys = expect.stringMatching(/^the keys here are \S/) as string;

test.each([
  // The form.
  [`${head}      rotes: []`, '5:7: unknown key "rotes"', 'did you mean routes?', keys],
  [`${routes}{ perfix: /, answer: 404 }`, '6:13: unknown key "perfix"', 'did you mean prefix?', keys],
  [
    `${routes}{ answer: [404, 405] }`,
    '6:21: answer must be a status such as 404, a status with a text such as 200 ok, or status and body',
  ],
  [`${routes}{ connect: false, answer: 404 }`, '6:22: connect must be true'],
  [`${routes}{ headers: { a: { prefx: b } }, answer: 404 }`, '6:29: unknown key "prefx"', 'did you mean prefix?', keys],
  [
    `${head}      users: {}\n      routes: []`,
    '5:14: users names one user',
    'several users go into an htpasswd file: users: FILE',
  ],
  [
    `${head}      allow: "a:b"\n      routes: []`,
    '5:14: rule "a:b": "b" is not a port',
    'ports are *, or a list such as 443,8000-8100',
  ],
  [`${head}      hosts: { a: { domain: b, routes: [] } }`, '5:21: unknown key "domain"', 'did you mean domains?', keys],
  [`${head}      upstreams: { a: { to: b:1, htp2: true } }`, '5:34: unknown key "htp2"', 'did you mean http2?', keys],
  [`${head}      routes: []\n    retry: { times: 1, of: any }`, '6:24: unknown key "of"', 'did you mean on?', keys],
  // Routes.
  [`${routes}{ prefix: / }`, '6:11: a route does nothing', 'add answer, redirect, to, tunnel-to'],
  [`${routes}{ redirect: { scheme: 'a b' } }`, '6:23: "a b" is not a scheme', 'write http or https'],
  [`${routes}{ redirect: { port: 0 } }`, '6:23: 0 is not a port from 1 to 65535'],
  [`${routes}{ redirect: { path: /, prefix: / } }`, '6:23: a redirect has path or prefix, not both'],
  [`${routes}{ redirect: { host: 'a b' } }`, '6:23: "a b" is not a host'],
  [`${routes}{ connect: true, redirect: {} }`, '6:38: a CONNECT has no address to change', 'write answer'],
  [`${routes}{ redirect: {}, to: a:1 }`, '6:11: a route has redirect or to, not both'],
  [`${routes}{ answer: 404, to: a:1 }`, '6:11: a route has answer or to, not both'],
  [`${routes}{ path: /, connect: true, answer: 404 }`, '6:11: a route has path or connect, not both'],
  [
    `${routes}{ answer: 99 }`,
    '6:21: "99" does not begin with a status',
    'write 404, 200 ok, or { status: 200, body: … }',
  ],
  [`${routes}{ answer: 101 }`, '6:21: 101 is not a status from 200 to 599'],
  [`${routes}{ answer: 404, timeout: 1s }`, '6:35: timeout does not go with answer'],
  [`${routes}{ tunnel-to: a:1, upgrade: websocket }`, '6:38: upgrade does not go with tunnel-to'],
  [`${routes}{ to: a:1, timeout: 5 }`, '6:31: timeout must be a duration such as 250ms, 5s, 1h or off'],
  [`${routes}{ method: get, answer: 404 }`, '6:21: methods are written in capitals: "get"', 'write GET'],
  [`${routes}{ headers: { "a b": c }, answer: 404 }`, '6:31: "a b" is not the name of a field'],
  [
    `${routes}{ headers: { a: { prefix: b, suffix: c } }, answer: 404 }`,
    '6:27: a condition is one of exact, prefix, suffix, contains, regex and not',
    'several go into a list',
  ],
  [
    `${routes}{ to: "field:a b" }`,
    '6:17: "field:a b" names no field of a request',
    'write field::authority, or field:x-target',
  ],
  // Upstreams.
  [`${routes}{ to: ap }\n      upstreams: { api: b:1 }`, '6:17: there is no upstream "ap"', 'did you mean api?'],
  [
    `${routes}{ to: nowhere }`,
    '6:17: there is no upstream "nowhere"',
    'write a target, HOST:PORT, or add it to upstreams',
  ],
  [
    `${routes}{ to: internal://encpa }`,
    '6:17: nothing listens on internal://encpa',
    'no stage has an internal listener',
  ],
  [
    `${routes}{ to: a }\n      upstreams: { a: { to: unix:/x, via: http://p:1 } }`,
    '7:29: no proxy can lead to unix:/x, which is on this machine',
    'leave the proxies out',
  ],
  // The stage.
  [`${head}      codec: http1`, '5:7: http has no routes', 'add routes or hosts'],
  [
    `${routes}{ answer: 404 }\n    to: a:1`,
    '7:9: to does not go with http',
    'write it for an upstream: http: { upstreams: … }',
  ],
  [`${routes}{ answer: 404 }\n    proxy: true`, '7:12: proxy does not go with http', 'give it a stage of its own'],
  [`${head}      hosts: { a: [], b: { domains: A, routes: [] } }`, '5:26: "a" is there twice'],
  [
    `${head}      hosts: { "*": [] }\n      routes: []`,
    '6:15: "*" is there twice',
    'routes beside hosts are those of "*"',
  ],
  [
    `${head}      hosts: { "a.*.b": [] }`,
    '5:25: "a.*.b" has a * that is neither its beginning nor its end',
    expect.any(String),
  ],
  [
    `${routes}{ to: internal://web }\n    access-log: x`.replace('listen: 1', 'listen: [1, internal://web]'),
    '5:7: the stages form a loop: web -> web',
  ],
  // Other settings.
  [`${routes}{ answer: 404 }\n    retry: 1`, '7:12: retry does not go with http', expect.any(String)],
  [
    'stages: { a: { listen: 1, to: b:1, retry: { times: 1, max: 1s } } }',
    '1:43: retry has max and no base',
    'add base: 100ms',
  ],
  [
    'stages: { a: { listen: 1, to: b:1, retry: { times: 1, base: 2s, max: 1s } } }',
    '1:43: retry has a max that is shorter than its base',
  ],
  ['internal-buffer: 1\nstages: { a: { listen: 1, to: b:1 } }', '1:18: internal-buffer: 1 is not from 1KiB to 8MiB'],
  [
    'internal-buffer: 1GB\nstages: { a: { listen: 1, to: b:1 } }',
    '1:18: internal-buffer: "1GB" is not a size',
    expect.any(String),
  ],
  [
    'admin: 0.0.0.0:1\nstages: { a: { listen: 1, to: b:1 } }',
    '2:24: 127.0.0.1:1 is listened on by admin already',
    'the first one is at chain.yaml:1:8',
  ],
  [
    'stages: { a: { listen: 1, to: b:1, via: [http://p:1|http://q:1, { any: [http://r:1], balance: round-robin }] } }',
    '1:41: one way cannot have two balances',
    expect.any(String),
  ],
])('%j is refused at its place', (text, message, ...hints) => {
  const refusal = refusalOf(() => loadText(text));
  expect(refusal).toEqual({ message: `chain.yaml:${message}`, hints });
});

test('what can run and is not likely to be meant is told with its place', () => {
  const { notices = [] } = loadText(`${head}      routes:
        - { prefix: /api, answer: 200 }
        - { path: /api/x, to: a:1 }
        - { prefix: api, answer: 200 }
        - { prefix: /, headers: { a: true }, answer: 200 }
        - { prefix: /, method: GET, answer: 200 }
        - { prefix: /, method: GET, headers: { b: true }, answer: 200 }
        - { tunnel-to: b:1 }
      upstreams: { unused: c:1 }
`);
  expect(notices.map(({ message }) => message)).toEqual([
    'chain.yaml:7:11: this route is never reached: an earlier one fits all that fits it',
    'chain.yaml:8:11: no path begins with "api": write /api',
    'chain.yaml:11:11: this route is never reached: an earlier one fits all that fits it',
    'chain.yaml:13:20: no route leads to the upstream "unused"',
  ]);
});
