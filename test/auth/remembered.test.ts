import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { isAuthSaid, learn, recall } from '../../src/auth/knowledge.ts';
import { RememberedProxies } from '../../src/auth/remembered.ts';
import type { Hop } from '../../src/core/hop.ts';
import { Secret } from '../../src/core/secret.ts';
import { proxyHop } from '../support/proxy-hop.ts';
import { unknown } from '../support/harness/app.ts';
import { makeTempFolder } from '../support/temp.ts';

const hop: Hop = { ...proxyHop, credentials: { user: 'alice', password: new Secret('wonder-4711') } };
const facts = { scheme: 'ntlm', realm: 'corp', closes: true } as const;

beforeEach(() => learn(hop, unknown));

async function saveAll(folder: string): Promise<string> {
  learn(hop, facts);
  await new RememberedProxies(folder).save([hop]);
  learn(hop, unknown);
  return join(folder, 'proxies.json');
}

test('what was learned is there the next time, for its owner alone, and without a secret', async () => {
  const folder = join(makeTempFolder(), 'tunl');
  const path = await saveAll(folder);
  expect([statSync(path).mode & 0o777, statSync(folder).mode & 0o777]).toEqual([0o600, 0o700]);
  expect(readFileSync(path, 'utf8')).not.toMatch(/alice|wonder/);
  await new RememberedProxies(folder).load([hop]);
  expect(recall(hop)).toEqual(facts);
});

test('nothing is written where nothing is new', async () => {
  const folder = makeTempFolder();
  await new RememberedProxies(folder).save([hop]);
  expect(existsSync(join(folder, 'proxies.json'))).toBe(false);
});

test.each([
  ['no JSON', 'hello'],
  ['something else', '[1, null, "x"]'],
  ['nothing', 'null'],
  ['another kind of facts', '{"http://proxy.corp:8080": {"at": 1, "scheme": 7}}'],
  ['facts of a clock that was set back', `{"http://proxy.corp:8080": {"at": ${Date.now() + 1e9}, "scheme": "ntlm"}}`],
  ['facts of last month', `{"http://proxy.corp:8080": {"at": ${Date.now() - 31 * 864e5}, "scheme": "ntlm"}}`],
  ['a scheme that is none', `{"http://proxy.corp:8080": {"at": ${Date.now() - 1000}, "scheme": "magic"}}`],
])('a file with %s says nothing', async (_, text) => {
  const folder = makeTempFolder();
  writeFileSync(join(folder, 'proxies.json'), text, { mode: 0o600 });
  await new RememberedProxies(folder).load([hop]);
  expect(recall(hop)).toEqual({});
});

test('a file that others may write is not believed', async () => {
  const folder = makeTempFolder();
  chmodSync(await saveAll(folder), 0o666);
  await new RememberedProxies(folder).load([hop]);
  expect(recall(hop)).toEqual({});
});

test('a folder that cannot be made does no harm', async () => {
  const folder = makeTempFolder();
  writeFileSync(join(folder, 'file'), '');
  await saveAll(join(folder, 'file', 'tunl'));
  await new RememberedProxies(join(folder, 'file', 'tunl')).load([hop]);
  expect(recall(hop)).toEqual({});
});

test('only hops that may be asked who we are are worth it', () => {
  expect([proxyHop, hop, { ...proxyHop, settings: { auth: 'auto' } }].map(isAuthSaid)).toEqual([false, true, true]);
});
