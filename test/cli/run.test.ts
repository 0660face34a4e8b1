import { expect, test } from 'vitest';
import { run } from '../../src/cli/run.ts';
import { makeIo } from '../support/harness/fake-io.ts';

test.each([
  [['--version'], /^tunl \S+\n$/],
  [['-V'], /^tunl \S+\n$/],
  [['--help'], /^tunl opens byte tunnels/],
  [['-h'], /^tunl opens byte tunnels/],
  [['help'], /^tunl opens byte tunnels/],
  [['serve', '-h'], /^tunl serve: /],
  [['connect', '--help', '--cacert', 'x'], /^tunl connect: /],
])('%j prints on stdout and ends with 0', async (words, printed) => {
  const io = makeIo();
  expect(await run(words, io)).toBe(0);
  expect(io.out()).toMatch(printed);
  expect(io.said()).toBe('');
});

test.each([
  [['help', 'nothing'], 'there is no help on "nothing"'],
  [['help', 'exit-code'], 'there is no help on "exit-code"'],
  [['help', 'connect', 'more'], 'unexpected argument "more"'],
  [['completion'], 'the shell is missing'],
  [['completion', 'fsh'], 'there are no completions for "fsh"'],
  [['completion', 'constructor'], 'there are no completions for "constructor"'],
  [['connect', 'db:22', '-q', '-v'], '-q and -v contradict each other'],
  [['connect', 'db:22', '-4', '-6'], '-4 and -6 contradict each other'],
  [['connect', 'db:22', '--resolver', 'ldap'], '--resolver "ldap" is neither system nor dns'],
  [['connect', 'db:22', '--direct', '-x', 'http://p:1'], '--direct and -x contradict each other'],
  [['connect', 'db:22', '--key', 'k.pem'], 'the command line: key without cert'],
  [['connect', 'db:22', '--proxy-header', 'oops'], '--proxy-header: a header without a name'],
  [['connect', 'db:22', '--linger', 'soon'], '--linger: "soon" is not a duration'],
  [['forward'], 'a SPEC is missing'],
  [['forward', '1:a:2', '127.0.0.1:1:b:3'], 'tunl cannot listen on both "localhost:1" and "127.0.0.1:1"'],
  [['forward', '0:unix:/a', '-x', 'http://p:1'], 'a Unix socket is not reached through a proxy'],
  [['serve', '--cert', 'c.pem'], '--cert needs --tls'],
  [['serve', '--client-ca', 'c.pem'], '--client-ca needs --tls'],
  [['serve', '--tls', '--key', 'k.pem'], '--key needs --cert'],
  [['serve', '--user', 'alice'], '--user has no password'],
  [['serve', '--user', 'a:b'], 'the name in --user holds a colon, which Basic cannot carry'],
  [['serve', '--user-password-file', 'f'], '--user-password-file needs --user'],
  [['serve', '--user', 'a', '--auth-file', 'f'], '--auth-file and --user contradict each other'],
  [['serve', '--grace', 'soon'], '--grace: "soon" is not a duration'],
])('%j ends with 2 and one line', async (words, message) => {
  const io = makeIo();
  expect(await run(words, io)).toBe(2);
  expect(io.out()).toBe('');
  const [line, ...hints] = io.said().trimEnd().split('\n');
  expect(line).toBe(`tunl: ${message}`);
  for (const hint of hints) expect(hint).toMatch(/^tunl: hint: \S/);
});

test.each([[['connect', '--json']], [['--json']], [['connect', '--prxy', '--json', 'db:22']]])(
  'bad arguments with --json in %j are JSON too',
  async (words) => {
    const io = makeIo();
    expect(await run(words, io)).toBe(2);
    expect(io.records()).toEqual([
      expect.objectContaining({ event: 'error', version: 1, code: 'usage', side: 'self', phase: 'arguments', exit: 2 }),
    ]);
  },
);

test('--json behind -- belongs to the command', async () => {
  const io = makeIo();
  expect(await run(['forward', '--', 'jq', '--json'], io)).toBe(2);
  expect(io.said()).toMatch(/^tunl: /);
});

test('a password that is set and empty never starts a server', async () => {
  const io = makeIo({ env: { TUNL_SERVE_PASSWORD: '' } });
  expect(await run(['serve', '127.0.0.1:0', '--user', 'alice'], io)).toBe(2);
  expect(io.said()).toBe('tunl: TUNL_SERVE_PASSWORD is empty\n');
});
