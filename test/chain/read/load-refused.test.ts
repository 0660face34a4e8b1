import { expect, test } from 'vitest';
import { loadText } from '../../support/graphs/chain-file.ts';
import { refusalOf } from '../../support/usage.ts';

/** Loads a text, which must be refused, and returns the message and the hints. */
function refuse(text: string, env: Readonly<Record<string, string>> = {}): string[] {
  const { message, hints } = refusalOf(() => loadText(text, env));
  return [message, ...hints];
}

const head = 'stages:\n  a:\n    listen: 1\n';

/** The hint behind an unknown key. */
const keys = expect.stringMatching(/^the keys here are \S/) as string;

test.each([
  // The form.
  ['', '1:1: this must be a file with stages'],
  ['[]', '1:1: this must be a file with stages'],
  ['stages: {}', '1:9: there is no stage'],
  ['stages: [a]', '1:9: stages must be stages by name'],
  ['stage: {}\nstages: {a: {listen: 1, to: b:1}}', '1:1: unknown key "stage"', 'did you mean stages?', keys],
  [`${head}    tp: b:1\n    to: b:1`, '4:5: unknown key "tp"', 'did you mean to?', keys],
  [
    `${head}    to: b:1\n    via: { url: http://p:1, formats: { X-F: '%DURATOIN%' } }`,
    '5:10: formats: X-F: there is no operator %DURATOIN%',
    'did you mean %DURATION%?',
  ],
  [
    `${head}    to: b:1\n    via: { url: http://p:1, formats: { X-F: 100% } }`,
    '5:10: formats: X-F: a % does not begin an operator',
    'write %% for a percent sign',
  ],
  [
    `${head}    colour: red\n    to: b:1`,
    '4:5: unknown key "colour"',
    expect.stringContaining('the keys here are listen, tls, proxy, http, screens, via, to'),
  ],
  [
    `${head}    to: b:1\n    <<: {}`,
    '5:5: unknown key "<<"',
    expect.any(String),
    expect.stringContaining('merge keys'),
  ],
  [`${head}    to: {b: 1}`, '4:9: to must be a target or a list of them'],
  [`${head}    to: b:1\n    log: yes`, '5:10: log must be true or false'],
  [`${head}    to: b:1\n    retry: -1`, '5:12: retry must be a number of retries'],
  [`${head}    to: b:1\n    family: 5`, '5:13: family must be 4 or 6'],
  [`${head}    to: b:1\n    balance: best`, '5:14: balance must be first or round-robin'],
  [`${head}    to: b:1\n    limits: { idel: 1h }`, '5:15: unknown key "idel"', 'did you mean idle?', keys],
  [`${head}    to: b:1\n    limits: { idle: 5 }`, '5:21: idle must be a duration such as 250ms, 5s, 1h or off'],
  [
    `${head}    to: b:1\n    via: [{ url: http://p:1, pasword: x }]`,
    '5:30: unknown key "pasword"',
    'did you mean password?',
    keys,
  ],
  [`${head}    to: b:1\n    tls: { crt: x }`, '5:12: unknown key "crt"', 'did you mean cert?', keys],
  [`${head}    proxy: { proxy-protocol: v3 }`, '4:30: proxy-protocol must be v1 or v2'],
  [`${head}    proxy: { max-tunnels: 0 }`, '4:27: max-tunnels must be a number from 1'],
  ['stages:\n  a b: {listen: 1, to: b:1}', '2:3: "a b" cannot be the name of a stage', expect.any(String)],
  // YAML itself.
  [`${head}    listen: 2`, '4:5: duplicate key "listen"', 'the first one is at chain.yaml:3:5'],
  ['a: 1\n---\nb: 1', '2:1: a file holds one document, and here a second one begins'],
  ['stages:\n\ta: 1', '2:1: this is not YAML: tabs are not allowed as indentation'],
  ['stages: !!js/function x', '1:9: this is not YAML: unresolved tag: tag:yaml.org,2002:js/function'],
  [`${head}    to: *nowhere`, '4:9: nothing is named "&nowhere"', 'a text that begins with * needs quotes'],
  // Values.
  [`${head}    to: b`, '4:9: the target "b" has no port', expect.any(String)],
  [`${head}    to: [b:1, c:x]`, '4:15: "c:x"'],
  [
    'stages:\n  a:\n    listen: 70000\n    to: b:1',
    '3:13: "70000": "70000" is not a port from 0 to 65535',
    expect.any(String),
  ],
  [
    `${head}    to: b:1\n    via: htp://p`,
    '5:10: via "htp://p" has an unknown scheme: "htp"',
    'did you mean http://?',
    expect.any(String),
  ],
  [
    `${head}    to: b:1\n    via: [http://p:1, internal://b]`,
    '5:23: a stage of this process can only be first on the way',
    expect.any(String),
  ],
  [`${head}    to: b:1\n    limits:\n      idle: 5x`, '6:13: idle: "5x" is not a duration', expect.any(String)],
  [
    'defaults: { limits: { dns: soon } }\nstages:\n  a: {listen: 1, to: b:1}\n  b: {listen: 2, proxy: true}',
    '1:28: dns: "soon" is not a duration',
    expect.any(String),
  ],
  [
    `${head}    proxy: { accept: pots }`,
    '4:22: "pots" is nothing that a proxy accepts',
    'did you mean post?',
    'there are connect, post, hbone, hbone-local, plain',
  ],
  [`${head}    proxy: { allow: [a.com, 'b:x'] }`, '4:29: rule "b:x": '],
  [`${head}    proxy: { users: { a: '\${A}', b: '\${B}' } }`, '4:21: users names one user', expect.any(String)],
  [`${head}    tls: { key: x }\n    to: b:1`, '4:10: key needs cert'],
  [
    `${head}    to: [tls://b:1, c:1]`,
    '4:9: TLS is spoken with all targets of a stage, or with none',
    'write tls:// for all, or to-tls beside them',
  ],
  [
    `${head}    to: tls://b:1\n    proxy: true`,
    '4:9: a proxy speaks no TLS with its target',
    'write it for a stage inside, with to: internal://NAME here',
  ],
  [
    `${head}    proxy: true\n    to: b:1\n    to-tls: true`,
    '6:13: a proxy speaks no TLS with its target',
    'write it for a stage inside, with to: internal://NAME here',
  ],
  [
    `${head}    to: b:1\n    to-tls: { key: x }`,
    '5:13: to-tls: key without cert',
    'name the certificate of that key too',
  ],
  [`${head}    log: true`, '3:5: a has no target', expect.any(String)],
  // The graph.
  [`${head}    to: internal://b`, '4:9: nothing listens on internal://b', 'no stage has an internal listener'],
  [`${head}    to: b:1\n    via: internal://b`, '5:10: nothing listens on internal://b', expect.any(String)],
  [
    `${head}    to: internal://b\n  b: { to: internal://c }\n  c: { to: internal://b }`,
    '5:12: the stages form a loop: b -> c -> b',
  ],
  [`${head}    to: b:1\n  b: { to: c:1 }`, '5:6: nothing leads to b', expect.any(String)],
  [`${head}    to: b:1\n  b:\n    listen: 1\n    to: c:1`, '6:13: 127.0.0.1:1 is listened on by a already'],
  [
    `${head}    via: http://p:1\n    to: internal://b\n  b: { to: c:1 }`,
    '5:9: no proxy can lead to internal://b, which is in this process',
    expect.any(String),
  ],
  [
    `${head}    via: http://p:1\n    to: unix:/x`,
    '5:9: no proxy can lead to unix:/x, which is on this machine',
    expect.any(String),
  ],
])('%j is refused at its place', (text, message, ...hints) => {
  const [said = '', ...others] = refuse(text);
  expect(said.slice(0, `chain.yaml:${message}`.length)).toBe(`chain.yaml:${message}`);
  if (hints.length > 0) expect(others).toEqual(hints);
});

test.each([
  ['a variable that is not set', '    to: b:1\n    via: "http://me:${PW}@p:1"', 'the variable PW is not set'],
  ['a password in a URL', '    to: b:1\n    via: http://me:hunter2@p:1', 'via has a password in plain text'],
  [
    'a password beside a URL',
    '    to: b:1\n    via: { url: http://me@p:1, password: hunter2 }',
    'password is in plain text',
  ],
  ['no password', '    to: b:1\n    via: http://me@p:1', 'has a user and no password'],
  ['two passwords', '    to: b:1\n    via: { url: "http://me:${X}@p:1", password: "${X}" }', 'has two passwords'],
  [
    'a password and no user',
    '    to: b:1\n    via: { url: http://p:1, password: "${X}" }',
    'has a password and no user',
  ],
  [
    'a token in a header',
    '    to: b:1\n    via: { url: http://p:1, headers: { Authorization: hunter2 } }',
    'the value of Authorization is in plain text',
  ],
  [
    'the password of a key',
    '    to: b:1\n    tls: { cert: x, key-password: hunter2 }',
    'key-password is in plain text',
  ],
  ['a password without a key', '    to: b:1\n    tls: { key-password: "${X}" }', 'key-password needs cert'],
  [
    'the password of the key of a proxy',
    '    to: b:1\n    via: { url: "https://p?cert=x", key-password: hunter2 }',
    'key-password is in plain text',
  ],
  [
    'such a password and no certificate',
    '    to: b:1\n    via: { url: https://p, key-password: "${X}" }',
    'has a key-password and no cert',
  ],
  ['the password of a user', '    proxy: { users: { me: hunter2 } }', 'the password of "me" is in plain text'],
  [
    'a secret in a file that is not there',
    '    to: b:1\n    via: { url: http://me@p:1, password: file:none }',
    'cannot read the password file "/etc/tunl/none"',
  ],
  ['an empty secret', '    proxy: { users: { me: "${EMPTY}" } }', 'is empty'],
  ['a name that is none', '    to: ${1x}:1', '${1x} is not the name of a variable'],
])('%s is refused without the secret', (_what, body, message) => {
  const said = refuse(head + body, { X: 'hunter2', EMPTY: '' }).join('\n');
  expect(said).toContain(message);
  expect(said).toMatch(/^chain\.yaml:[45]:/);
  expect(said).not.toContain('hunter2');
});

test('several faults are said at once, in the order of the file', () => {
  const said = refuse(`${head}    tp: b:1\n  b:\n    listn: 2\n    to: b:1`);
  expect(said).toEqual([
    'chain.yaml:4:5: unknown key "tp"',
    'did you mean to?',
    keys,
    'also chain.yaml:6:5: unknown key "listn" (did you mean listen?)',
  ]);
});

test('what stands wrong in the defaults is said once', () => {
  const said = refuse(
    'defaults: { limits: { dns: soon } }\nstages:\n  a: {listen: 1, to: b:1}\n  b: {listen: 2, to: c:1}',
  );
  expect(said.filter((line) => line.includes('soon'))).toHaveLength(1);
});

test.each([
  [
    'aliases that multiply',
    `a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [${Array(9).fill('*a').join()}]\nc: &c [${Array(9).fill('*b').join()}]\nstages: [*c]`,
    'aliases that repeat too much',
  ],
  ['brackets without end', `stages: ${'['.repeat(100_000)}`, 'nests deeper than'],
  ['dashes without end', '- '.repeat(100_000), 'nests deeper than'],
  ['a file of some megabytes', `# ${'x'.repeat(2_000_000)}`, 'has more than'],
])('%s end in a refusal', (_what, text, message) => {
  expect(refuse(text)[0]).toContain(message);
});

test('a log with lines at a moment that there is not is refused', () => {
  const refused = refuse('stages:\n  a: { listen: 1, to: b:1, access-log: { path: /a, at: [ended, begun] } }');
  expect(refused.join()).toContain('path with format, when and at');
});

test('what needs quotes in YAML is told', () => {
  expect(refuse('stages:\n  a: {listen: 1, via: http://me:${PW}@p:1, to: b:1}').join()).toContain("'${NAME}'");
  expect(refuse('stages:\n  a:\n    listen: [::1]:80').join()).toContain("'[::1]:8080'");
  expect(refuse('stages:\n  a:\n    access-log: { path: /a, when: { took: != 5m } }').join()).toContain("'!= 5m'");
});
