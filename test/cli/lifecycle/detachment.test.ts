import { describe, expect, test } from 'vitest';
import { run } from '../../../src/cli/run.ts';
import { readDetachment } from '../../../src/cli/lifecycle/detachment.ts';
import { splitEnvironment } from '../../../src/cli/process/secret-env.ts';
import { formatInstances } from '../../../src/cli/terminal/instances.ts';
import { makeIo } from '../../support/harness/fake-io.ts';
import { parseCommandLine } from '../../support/harness/command-line.ts';
import { makeTempFolder } from '../../support/temp.ts';

const read = (words: readonly string[]) => {
  const { args, command } = parseCommandLine(words);
  return readDetachment(args, command);
};

describe('--detach', () => {
  test.each([
    [['serve'], undefined],
    [['serve', '--detach'], {}],
    [['serve', '--detach', '--name', 'db'], { name: 'db' }],
    [['forward', '1:a:2', '--check', '--detach'], {}],
    [['chain', '-c', 'f', '--detach'], {}],
    [['serve', '--detach', '--', '3128'], {}],
  ])('of %j is %j', (words, detachment) => {
    expect(read(words)).toEqual(detachment);
  });

  test.each([
    [['serve', '--name', 'db'], '--name needs --detach'],
    [['serve', '--detach', '--name', '5432'], 'is not a name'],
    [['serve', '--detach', '--watch'], '--detach and --watch contradict'],
    [['serve', '--detach', '--print'], '--detach and --print contradict'],
    [['serve', '--detach', '--export', 'envoy'], '--detach and --export contradict'],
    [['chain', '-c', 'f', '--detach', '--check'], '--detach and --check contradict'],
    [['chain', '-c', 'f', '--detach', '--draw'], '--detach and --draw contradict'],
    [['forward', '1:a:2', '--detach', '--', 'make'], '--detach and -- COMMAND contradict'],
    [['serve', 'fd:0', '--detach'], 'no stdin'],
    [['chain', '-c', '/dev/stdin', '--detach'], 'no stdin'],
    [['serve', '--detach', '--ready-fd', '1'], '--ready-fd 1'],
  ])('is refused in %j', (words, message) => {
    expect(() => read(words)).toThrow(message);
  });
});

describe('the environment of a process in the background', () => {
  test('holds no secret, and none gets lost', () => {
    const secret = {
      TUNL_PROXY_PASSWORD: 'a',
      TUNL_PROXY_PASSWORD_2: 'b',
      TUNL_SERVE_PASSWORD: 'c',
      TUNL_KEY_PASSWORD: 'd',
      https_proxy: 'http://me:e@proxy:3128',
    };
    const open = { HOME: '/home/me', http_proxy: 'http://proxy:3128', MAIL: 'me@host', EMPTY: '' };
    expect(splitEnvironment({ ...open, ...secret })).toEqual({ open, secret });
  });
});

describe('the commands about the background', () => {
  const env = () => ({ XDG_STATE_HOME: makeTempFolder() });

  test.each([
    [['stop'], 2, 'the name is missing'],
    [['stop', 'db', '--all'], 2, '--all and a NAME contradict'],
    [['stop', '../db'], 2, 'is not a name'],
    [['stop', 'db'], 2, 'nothing runs in the background under the name "db"'],
    [['logs'], 2, 'one name is needed'],
    [['logs', 'db'], 2, 'nothing runs in the background under the name "db"'],
    [['logs', 'db', '-f'], 2, 'nothing runs in the background under the name "db"'],
    [['ps', 'db'], 2, 'unexpected argument "db"'],
    [['wait'], 2, 'one name or address is needed'],
    [['wait', 'a/b'], 2, 'is not a name'],
    [['wait', 'db', '--timeout', '1ms'], 28, 'db does not listen after 1ms (--timeout)'],
    [['stop', '--all'], 0, 'nothing runs in the background'],
    [['ps'], 0, 'nothing runs in the background'],
  ])('%j ends with %i', async (words, status, message) => {
    const io = makeIo({ env: env() });
    expect(await run(words, io)).toBe(status);
    expect(io.said()).toContain(message);
    expect(io.out()).toBe('');
  });

  test('ps --json prints an object also if there is nothing', async () => {
    const io = makeIo({ env: env() });
    expect(await run(['ps', '--json'], io)).toBe(0);
    expect(JSON.parse(io.out())).toEqual({ version: 1, instances: [] });
  });

  test('ps lists each listener, and what does not answer', () => {
    const status = {
      version: 1,
      name: 'edge',
      id: '1',
      pid: 42,
      state: 'listening',
      command: 'tunl serve',
      folder: '/',
      started: '2026-01-01T00:00:00.000Z',
      ms: 75_000,
      listeners: [
        { role: 'forward', address: '127.0.0.1:1', target: 'db:5432', via: [] },
        { role: 'forward', address: '127.0.0.1:2', front: 'socks', via: [] },
        { role: 'admin', address: '127.0.0.1:3', via: [] },
      ],
      tunnels: 2,
      sent: 2048,
      received: 5,
      lastFailure: { time: '2026-01-01T00:00:01.000Z', code: 'timeout', message: 'too\nslow' },
    } as const;
    const draining = { ...status, name: 'old', state: 'draining', listeners: [], lastFailure: null } as const;
    const found = [
      { name: 'edge', status },
      { name: 'old', status: draining },
      { name: 'stuck', status: undefined },
    ];
    expect(formatInstances(found).replaceAll(/ +/g, ' ').split('\n')).toEqual([
      'NAME PID LISTENS TUNNELS SENT RECEIVED AGE LAST FAILURE',
      'edge 42 127.0.0.1:1 -> db:5432 2 2.0K 5 75s too?slow (2026-01-01T00:00:01.000Z)',
      ' socks:127.0.0.1:2',
      ' admin 127.0.0.1:3',
      'old 42 (draining) 2 2.0K 5 75s -',
      'stuck - (does not answer) - - - - -',
      '',
    ]);
  });
});
