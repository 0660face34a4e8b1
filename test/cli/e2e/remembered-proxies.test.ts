import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runTunl } from '../../support/harness/tunl-process.ts';
import { alice, startAskingProxy } from '../../support/peers/asking-proxy.ts';
import { greet, startTarget } from '../../support/targets/plain.ts';
import { makeTempFolder } from '../../support/temp.ts';

test('a connect begins with what the one before it learned, unless told not to', async () => {
  const proxy = await startAskingProxy({ challenges: ['NTLM'] });
  const target = await startTarget(greet('welcome'));
  const caches = makeTempFolder();
  const url = `http://CORP%5Calice:${alice.password}@127.0.0.1:${proxy.port}`;
  const run = async (...more: string[]) => {
    const before = proxy.requests.length;
    const words = ['connect', ...more, '-x', url, `127.0.0.1:${target.port}`];
    const { code, stdout, stderr } = await runTunl(words, { XDG_CACHE_HOME: caches });
    expect([code, stdout], stderr).toEqual([0, 'welcome']);
    return proxy.requests.slice(before).map(({ scheme }) => scheme);
  };
  expect(await run()).toEqual(['none', 'NTLM', 'NTLM']);
  expect(await run()).toEqual(['NTLM', 'NTLM']);
  expect(await run('--no-cache')).toEqual(['none', 'NTLM', 'NTLM']);
  const written = readFileSync(join(caches, 'tunl', 'proxies.json'), 'utf8');
  expect(Object.keys(JSON.parse(written) as object)).toEqual([`http://127.0.0.1:${proxy.port}`]);
  expect(written).not.toMatch(/alice|wonder/);
});
