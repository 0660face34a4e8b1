import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { refusedClusters } from '../envoy/refused/clusters.ts';
import { refusedHttp } from '../envoy/refused/http.ts';
import { refusedListeners } from '../envoy/refused/listeners.ts';
import { refusedTcp } from '../envoy/refused/tcp.ts';
import { editFixture, readFixture } from '../support/envoy-file.ts';
import { checkEnvoy, hasEnvoy } from './parts/envoy.ts';
import { makeFolder } from './support/workspace.ts';

/** Forms of years ago, which Envoy has given up and we read. */
const outdated: ReadonlySet<string> = new Set(['tcp-through-internal-old', 'end-http2-connect']);
const names = readdirSync(new URL('../envoy/fixtures', import.meta.url)).map((file) => file.replace('.yaml', ''));

/** What Envoy thinks of a text. */
async function judge(text: string): Promise<'takes' | 'refuses'> {
  const file = join(makeFolder('judged'), 'envoy.yaml');
  writeFileSync(file, text);
  const { code } = await checkEnvoy(file);
  return code === 0 ? 'takes' : 'refuses';
}

describe.skipIf(!hasEnvoy)('Envoy and tunl on the same files', () => {
  test.each(names)('Envoy takes %s.yaml, unless its form is outdated', async (name) => {
    expect(await judge(readFixture(name))).toBe(outdated.has(name) ? 'refuses' : 'takes');
  });

  const rows = [...refusedListeners, ...refusedTcp, ...refusedClusters, ...refusedHttp];
  test.each(rows.filter(({ file }) => !outdated.has(file)))(
    'Envoy says what is written down of $file with $to',
    async ({ file, from, to, envoyTakesIt }) => {
      expect(await judge(editFixture(file, from, to))).toBe(envoyTakesIt ? 'takes' : 'refuses');
    },
  );
});
