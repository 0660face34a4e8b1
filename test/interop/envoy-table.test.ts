import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { hasEnvoy } from './parts/envoy.ts';
import { openBed } from './support/bed.ts';
import type { Row } from './table/row.ts';
import { connectionRows } from './table/connections.ts';
import { egressRows } from './table/egress.ts';
import { encapsulateH1Rows } from './table/encapsulate-h1.ts';
import { encapsulateH2Rows } from './table/encapsulate-h2.ts';
import { changedFieldRows } from './table/fields-changed.ts';
import { fieldsOfExamples } from './table/fields.ts';
import { forwardProxyRows } from './table/forward-proxy.ts';
import { httpAnswerRows } from './table/http-answers.ts';
import { httpRequestRows } from './table/http-requests.ts';
import { clusterFieldRows } from './table/cluster-field.ts';
import { lifetimeRows } from './table/lifetimes.ts';
import { localReplyRows } from './table/local-replies.ts';
import { logRows } from './table/logs.ts';
import { proxyRows } from './table/proxy.ts';
import { proxyHeaderRows } from './table/proxy-header.ts';
import { rbacRows } from './table/rbac.ts';
import { rewriteRows } from './table/rewrites.ts';
import { spellingRows } from './table/spelling.ts';
import { stateRows } from './table/state.ts';
import { tcpRows } from './table/tcp.ts';
import { tlsRows } from './table/tls.ts';
import { terminateRequestRows } from './table/terminate-requests.ts';
import { terminateTunnelRows } from './table/terminate-tunnels.ts';
import { wholeFileRows } from './table/whole-files.ts';

const rows: readonly Row[] = [
  ...tcpRows,
  ...encapsulateH1Rows,
  ...encapsulateH2Rows,
  ...proxyRows,
  ...forwardProxyRows,
  ...terminateTunnelRows,
  ...terminateRequestRows,
  ...httpAnswerRows,
  ...httpRequestRows,
  ...rbacRows,
  ...proxyHeaderRows,
  ...rewriteRows,
  ...logRows,
  ...localReplyRows,
  ...lifetimeRows,
  ...clusterFieldRows,
  ...changedFieldRows,
  ...spellingRows,
  ...wholeFileRows,
  ...egressRows,
  ...stateRows,
  ...tlsRows,
  ...connectionRows,
];

describe.each(rows)('$file', ({ file, seen }) => {
  test.skipIf(!hasEnvoy)('run by Envoy', async () => {
    const bed = await openBed('envoy', file);
    for (const [name, { visit, story }] of Object.entries(seen)) {
      await visit(bed).catch((error: unknown) => bed.story.tell('failed', String(error)));
      expect.soft(bed.story.take(), name).toEqual(story);
    }
  });

  test('run by tunl', async () => {
    const bed = await openBed('tunl', file);
    for (const [name, { visit, story, better }] of Object.entries(seen)) {
      await visit(bed).catch((error: unknown) => bed.story.tell('failed', String(error)));
      if (better) expect(better.because).toMatch(/^[a-z].{20}/);
      expect.soft(bed.story.take(), name).toEqual(better?.story ?? story);
    }
  });
});

test('every file of the folder is in the table, and there are enough of them', () => {
  const files = readdirSync(new URL('envoy-files', import.meta.url)).map((name) => name.replace(/\.yaml$/, ''));
  // Others are run by two programs together, in envoy-pairs.test.ts and abstract-sockets.test.ts.
  expect([...rows.map(({ file }) => file), 'http-egress', 'tcp-abstract'].toSorted()).toEqual(files.toSorted());
  expect(files.length).toBeGreaterThanOrEqual(25);
});

test('every field of the examples of Envoy is in a file of the folder', () => {
  const folder = new URL('envoy-files/', import.meta.url);
  const words = new Set(
    readdirSync(folder).flatMap((name) => readFileSync(new URL(name, folder), 'utf8').match(/[\w.]+/g)),
  );
  expect(fieldsOfExamples.filter((field) => !words.has(field))).toEqual([]);
});
