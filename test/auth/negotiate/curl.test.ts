import { describe, expect, onTestFinished, test } from 'vitest';
import { createCurlSource, findCurl } from '../../../src/auth/negotiate/curl.ts';
import { TokenError } from '../../../src/auth/negotiate/tokens.ts';
import { TunlError } from '../../../src/core/errors.ts';
import { listen } from '../../../src/listeners/socket.ts';
import { eventually, inTime } from '../../support/eventually.ts';
import { makeTempFolder } from '../../support/temp.ts';
import { makeFakeCurl, type Manner } from './fake-curl.ts';

const name = { service: 'HTTP', host: 'proxy.corp' };
const givenUp = new TunlError('interrupted', 'given up');

/** A source with a curl of this manner, and exchanges that end with the test. */
function makeSource(manner: Manner) {
  const curl = makeFakeCurl(manner);
  const source = createCurlSource({ listen, env: curl.env });
  const abort = new AbortController();
  const open = async (signal = abort.signal) => {
    const context = await source.open({ name, signal });
    onTestFinished(() => context.close());
    return context;
  };
  onTestFinished(async () => {
    abort.abort(givenUp);
    await eventually(curl.living, 0);
  });
  return { curl, source, abort, open };
}

describe('tokens from curl', () => {
  test('are those of its first request, and curl ends with the exchange', async () => {
    const { curl, open } = makeSource('token');
    const context = await open();
    expect(await context.step()).toEqual(Buffer.from('TOKEN'));
    expect(await context.finish(Buffer.from('proof'))).toBe('unchecked');
    expect(curl.living()).toBe(1);
    context.close();
    context.close();
    await eventually(curl.living, 0);
  });

  test('for Kerberos are the only one of their curl, which ends before the proxy has answered', async () => {
    const { curl, open } = makeSource('ticket');
    const context = await open();
    expect(String(await context.step())).toContain('ticket');
    await eventually(curl.living, 0);
    await expect(context.step(Buffer.from('more'))).rejects.toThrow('curl makes no second token for Kerberos');
  });

  test('need settings by stdin alone, and no variable that could hold a secret of ours', async () => {
    const { curl, open } = makeSource('token');
    await (await open()).step();
    const [run] = curl.runs();
    expect(run?.args).toEqual(['-q', '-K', '-']);
    expect(run?.variables.filter((variable) => !variable.startsWith('__'))).toEqual([
      'HOME',
      'KRB5CCNAME',
      'LANG',
      'PATH',
    ]);
    const { proxy, resolve, url, ...settings } = run?.settings ?? {};
    expect(proxy).toMatch(/^http:\/\/proxy\.corp:\d+$/);
    expect(resolve).toBe(`${String(proxy).slice('http://'.length)}:127.0.0.1`);
    expect(url).toMatch(/^http:\/\/[0-9a-f]{32}\.invalid\/$/);
    expect(settings).toEqual({
      silent: true,
      'show-error': true,
      verbose: true,
      proxytunnel: true,
      noproxy: '',
      'proxy-user': ':',
      'proxy-negotiate': true,
      'proxy-service-name': 'HTTP',
    });
  });

  test('answer a challenge of the proxy', async () => {
    const { open } = makeSource('twoRounds');
    const context = await open();
    expect(String(await context.step())).toBe('first');
    expect(String(await context.step(Buffer.from('a challenge')))).toBe('answer to a challenge');
  });

  test.each<[Manner, string, string | undefined]>([
    ['exits', 'No credentials were supplied. No Kerberos credentials available', 'run kinit'],
    ['silentExit', 'curl ended with status 7', undefined],
    ['noCredentials', 'Server not found in Kerberos database', 'Kerberos knows no service HTTP/proxy.corp'],
    ['otherTarget', 'curl ended with status 56', undefined],
    ['garbage', 'curl ended with status 56', undefined],
    ['noToken', 'curl sent a request without credentials', undefined],
  ])('are none from a curl that %s', async (manner, words, hint) => {
    const { curl, open } = makeSource(manner);
    const failure: unknown = await inTime(
      'a failure',
      (await open()).step().catch((error: unknown) => error),
    );
    expect(failure).toBeInstanceOf(TokenError);
    const { message, hints } = failure as TokenError;
    expect(message).toBe(words);
    if (hint === undefined) expect(hints).toEqual([]);
    else expect(hints[0]).toContain(hint);
    await eventually(curl.living, 0);
  });

  test('come from the connection that asks for the right name, whoever else connects', async () => {
    const { open } = makeSource('stranger');
    expect(String(await (await open()).step())).toBe('TOKEN');
  });

  test('come from one connection alone', async () => {
    const { curl, open } = makeSource('second');
    expect(String(await (await open()).step())).toBe('TOKEN');
    await eventually(() => curl.notes().at(-1), { second: 'closed', first: false });
  });

  test('are waited for until the signal, which ends curl', async () => {
    const { curl, open, abort } = makeSource('hangs');
    const step = expect((await open()).step()).rejects.toBe(givenUp);
    await eventually(curl.living, 1);
    abort.abort(givenUp);
    await step;
    await eventually(curl.living, 0);
  });

  test('are made by eight programs at most, and the next starts once one has ended', async () => {
    const { curl, open } = makeSource('token');
    const contexts = await Promise.all(Array.from({ length: 8 }, () => open()));
    await Promise.all(contexts.map((context) => context.step()));
    const ninth = open().then((context) => context.step());
    const leaving = new AbortController();
    const tenth = expect(open(leaving.signal)).rejects.toBe(givenUp);
    leaving.abort(givenUp);
    await tenth;
    expect(curl.runs()).toHaveLength(8);
    contexts[3]?.close();
    expect(String(await ninth)).toBe('TOKEN');
    expect(curl.living()).toBe(8);
  });
});

describe('a curl', () => {
  test('is asked once what it can do', async () => {
    const { source, curl } = makeSource('token');
    expect(await source.whyNot()).toBeUndefined();
    expect(await source.whyNot()).toBeUndefined();
    expect(curl.versions()).toBe(1);
  });

  test('is that of the system', () => {
    expect(findCurl('linux', { SystemRoot: 'D:\\Windows' })).toBe('curl');
    expect(findCurl('win32', { SystemRoot: 'D:\\Windows' })).toBe('D:\\Windows\\System32\\curl.exe');
    expect(findCurl('win32', {})).toBe('C:\\Windows\\System32\\curl.exe');
  });

  test('without SPNEGO is not used', async () => {
    const { env } = makeFakeCurl('token', 'SSL NTLM');
    expect(await createCurlSource({ listen, env }).whyNot()).toBe('curl is built without SPNEGO');
  });

  test('may be missing', async () => {
    const source = createCurlSource({ listen, env: { PATH: makeTempFolder() } });
    expect(await source.whyNot()).toBe('curl is not installed');
  });

  test('is not started if nothing can listen', async () => {
    const curl = makeFakeCurl('token');
    const source = createCurlSource({ listen: () => Promise.reject(givenUp), env: curl.env });
    const context = await source.open({ name, signal: new AbortController().signal });
    await expect(context.step()).rejects.toBe(givenUp);
    expect(curl.runs()).toEqual([]);
  });
});
