import { describe, expect, test } from 'vitest';
import { createKoffiSource } from '../../../src/auth/negotiate/koffi.ts';
import { firstSource } from '../../../src/auth/negotiate/sources.ts';
import type { TokenSource } from '../../../src/auth/negotiate/tokens.ts';
import { FakeGssapi } from './fake-gssapi.ts';
import { FakeMemory } from './fake-memory.ts';

const signal = new AbortController().signal;
const name = { service: 'HTTP', host: 'proxy.corp' };

/** Makes a source that cannot be used for this reason, or one that can if there is no reason. */
function fakeSource(source: string, reason?: string): TokenSource & { asked: number } {
  return {
    name: source,
    bindsChannels: true,
    asked: 0,
    whyNot() {
      this.asked++;
      return Promise.resolve(reason);
    },
    open: () => Promise.reject(new Error('nothing is opened here')),
  };
}

describe('the source of tokens', () => {
  test('is the first one that can be used, and is found once', async () => {
    const [koffi, curl] = [fakeSource('koffi'), fakeSource('curl')];
    const find = firstSource([koffi, curl]);
    expect(await find()).toBe(koffi);
    expect(await find()).toBe(koffi);
    expect([koffi.asked, curl.asked]).toEqual([1, 0]);
  });

  test('is the next one where the first cannot be used', async () => {
    const curl = fakeSource('curl');
    expect(await firstSource([fakeSource('koffi', 'koffi is not installed'), curl])()).toBe(curl);
  });

  test('may be none, with the reason of each', async () => {
    const find = firstSource([fakeSource('koffi', 'koffi is not installed'), fakeSource('curl', 'curl is too old')]);
    await expect(find()).rejects.toThrow(
      'this system has nothing that makes tokens: koffi is not installed, curl is too old',
    );
  });
});

describe('koffi', () => {
  test('is not installed', async () => {
    const missing = Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
    const source = createKoffiSource(() => Promise.reject(missing));
    expect(await source.whyNot()).toBe('koffi is not installed');
    await expect(source.open({ name, signal })).rejects.toThrow('koffi is not installed');
  });

  test('does not run here', async () => {
    const source = createKoffiSource(() => Promise.reject(new Error('Cannot find the native module\nat all')));
    expect(await source.whyNot()).toBe('koffi does not run: Cannot find the native module');
  });

  test('finds no library', async () => {
    const source = createKoffiSource(() => Promise.resolve(new FakeMemory().koffi({})));
    expect(await source.whyNot()).toMatch(/^the system's library cannot be opened: there is no \S+$/);
  });

  test.skipIf(process.platform === 'win32')('is loaded once, and makes tokens', async () => {
    const memory = new FakeMemory();
    const library = new FakeGssapi(memory, [{ token: 'first', major: 1 }]);
    const paths = ['libgssapi_krb5.so.2', '/System/Library/Frameworks/GSS.framework/GSS'];
    const koffi = memory.koffi(Object.fromEntries(paths.map((path) => [path, library.functions])));
    let loads = 0;
    const source = createKoffiSource(() => {
      loads++;
      return Promise.resolve(koffi);
    });
    expect(await source.whyNot()).toBeUndefined();
    const context = await source.open({ name, signal });
    expect(String(await context.step())).toBe('first');
    context.close();
    expect(loads).toBe(1);
  });
});
