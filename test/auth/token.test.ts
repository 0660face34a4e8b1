import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openToken, type TokenSource } from '../../src/auth/bearer/token.ts';
import type { Challenge } from '../../src/auth/model/challenge.ts';
import { bearer } from '../../src/auth/schemes/bearer.ts';
import { makeHop, makeRoute } from '../support/harness/app.ts';
import { makeContext } from '../support/harness/link-pairs.ts';
import { startAskingProxy } from '../support/peers/asking-proxy.ts';
import { proxyHop } from '../support/proxy-hop.ts';
import { echo, startTarget } from '../support/targets/plain.ts';
import { makeTempFolder } from '../support/temp.ts';

const token = 'eyJhbGciOi.eyJzdWIi.c2ln-4711';

function writeToken(text: string): TokenSource & { readonly file: string } {
  const file = join(makeTempFolder(), 'token');
  writeFileSync(file, text);
  return { file };
}

const begin = (source: TokenSource, signal: AbortSignal = new AbortController().signal) =>
  openToken(source).begin({ method: 'CONNECT', target: 'db:22', signal });

describe('a token', () => {
  test.each([
    ['alone', token],
    ['with an end of line', `${token}\r\nsomething else\n`],
  ])('in a file, %s, is sent', async (_, text) => {
    expect(await begin(writeToken(text)).start()).toEqual({ kind: 'send', credentials: `Bearer ${token}` });
  });

  test('from a command is sent', async () => {
    const step = await begin({ command: `echo ${token}; echo more` }).start();
    expect(step).toEqual({ kind: 'send', credentials: `Bearer ${token}` });
  });

  test('comes from a command that does not see our passwords', async () => {
    vi.stubEnv('TUNL_PROXY_PASSWORD', 'secret-4711');
    onTestFinished(() => void vi.unstubAllEnvs());
    const { start } = begin({ command: 'echo "${TUNL_PROXY_PASSWORD-none}"' });
    expect(await start()).toEqual({ kind: 'send', credentials: 'Bearer none' });
  });

  test('is read anew for each request', async () => {
    const source = writeToken('first');
    const login = openToken(source);
    const ask = () => login.begin({ method: 'CONNECT', target: 'db:22', signal: new AbortController().signal }).start();
    await ask();
    writeFileSync(source.file, 'second');
    expect(await ask()).toMatchObject({ credentials: 'Bearer second' });
  });

  test.each([
    ['a file that is not there', { file: '/nowhere/token' }, '"/nowhere/token" gave no token: ENOENT'],
    ['a command that fails', { command: 'echo secret-4711; exit 3' }, 'the command gave no token: exit status 3'],
    ['a command that says nothing', { command: 'true' }, 'the first line of the command is no token'],
    [
      'a command that says something else',
      { command: 'echo "no secret-4711"' },
      'the first line of the command is no token',
    ],
  ])('of %s is none, and is not quoted', async (_, source, reason) => {
    expect(await begin(source).start()).toEqual({ kind: 'unable', reason });
  });

  test('of a command that does not end is given up with the tunnel', async () => {
    const ending = new AbortController();
    const starting = begin({ command: 'exec sleep 30' }, ending.signal).start();
    ending.abort();
    expect(await starting).toMatchObject({ kind: 'unable' });
  });

  test('that is refused is not sent again, and the proxy may say why', async () => {
    const attempt = begin({ command: `echo ${token}` });
    await attempt.start();
    const params = new Map([['error_description', 'it has expired']]);
    const challenge: Challenge = { scheme: 'bearer', title: 'Bearer', params };
    expect(await attempt.answer([challenge])).toEqual({
      kind: 'refused',
      reason: 'it does not accept the token from the command',
      hints: ['it says of the token: it has expired'],
    });
  });
});

test('a command is not taken from a variable', () => {
  const hop = { ...proxyHop, settings: { 'token-command': 'true' } };
  expect(bearer.obstacle(hop)).toBeUndefined();
  expect(bearer.obstacle({ ...hop, variable: 'https_proxy' })).toBe('a command is not taken from https_proxy');
});

test('a proxy that wants a token gets it with the first request, and a wrong one is seen nowhere', async () => {
  const { address } = await startTarget(echo);
  const proxy = await startAskingProxy({ challenges: ['Bearer realm="x", error="invalid_token"'], token });
  const dial = async (text: string) => {
    const route = await makeRoute([makeHop('http', proxy.port, { settings: { 'token-file': writeToken(text).file } })]);
    return route.dial(address, makeContext(address));
  };
  (await dial(token)).reset(new Error('the test is over'));
  expect(proxy.requests.map(({ scheme }) => scheme)).toEqual(['Bearer']);
  const error: unknown = await dial('another-4711').catch((failure: unknown) => failure);
  expect(error).toMatchObject({ code: 'auth_required' });
  expect(JSON.stringify([error, (error as { facts: unknown }).facts])).not.toContain('another-4711');
  expect(proxy.refused).toBe(1);
});

test('a proxy that repeats a token in its answer is quoted without it', async () => {
  const { address } = await startTarget(echo);
  const { port } = await startTarget((socket) => {
    socket.once('data', (request: Buffer) => {
      const body = `you sent ${request.toString('latin1')}`;
      const challenge = `Bearer realm="x", error_description="no ${token}"`;
      socket.end(
        `HTTP/1.1 407 No\r\nProxy-Authenticate: ${challenge}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
    });
  });
  const route = await makeRoute([makeHop('http', port, { settings: { 'token-file': writeToken(token).file } })]);
  const error: unknown = await route.dial(address, makeContext(address)).catch((failure: unknown) => failure);
  const said = JSON.stringify((error as { facts: unknown }).facts);
  expect(said).toContain('you sent CONNECT');
  expect(said).toContain('it says of the token: no ‹redacted›');
  expect(said).not.toContain(token);
});
