import { expect, test } from 'vitest';
import { schemes } from '../../../src/carriers/index.ts';
import { writeBootstrap } from '../../../src/envoy/export/export.ts';
import { envoySchemes, findHopTerms, findTerms, termsOf } from '../../../src/envoy/schema/hop-terms.ts';
import { makeHop } from '../../support/harness/app.ts';
import { envoyRoute, loadEnvoy, localPort, tcpStage } from '../../support/graphs/envoy-file.ts';
import { refusalOf } from '../../support/usage.ts';
import { listStages } from '../../../src/chain/model/graph.ts';
import { toGraph } from '../../support/graphs/graphs.ts';

const named = schemes.map((scheme) => [scheme.scheme, scheme] as const);

/** The setting that a hop of HBONE needs before it can be exported to Envoy. */
const peer = { peer: 'spiffe://cluster.local/ns/shop/sa/db' };

function exportHop(scheme: string): string {
  const terms = findTerms(scheme);
  const isMesh = terms?.tunnel === 'mesh';
  const hop = makeHop(scheme, 1, {
    settings: { ...terms?.said, ...(isMesh && peer) },
    tls: isMesh ? { cert: '/c.pem', key: '/k.pem', cacert: '/r.pem' } : {},
  });
  const to = { kind: 'tcp', host: 'b', port: 2 } as const;
  return writeBootstrap(toGraph({ stages: [tcpStage('a', localPort(1), to, envoyRoute({}, { hops: [[hop]] }))] }));
}

test.each(named)('%s has a row, or Envoy does not speak it', (scheme, { defaultPort, tls, carrier }) => {
  const terms = findTerms(scheme);
  if (!terms) {
    expect(refusalOf(() => exportHop(scheme)).message).toBe(
      `cannot export to Envoy: a: it does not speak ${scheme}://127.0.0.1:1`,
    );
    return;
  }
  expect(terms.port).toBe(defaultPort);
  expect(terms.isSecured).toBe(tls !== undefined);
  expect(terms.tunnel === 'mesh').toBe(tls?.verify === 'spiffe');
  expect(terms.tunnel === 'post').toBe(carrier.methods.includes('POST'));
  const settings = [...terms.settings, ...Object.keys(terms.fields), ...Object.keys(terms.said)];
  expect(carrier.settings.map(({ name }) => name)).toEqual(expect.arrayContaining(settings));
});

test('the table has no scheme that nobody carries', () => {
  expect(envoySchemes).toEqual(expect.arrayContaining(['http', 'post+h2', 'hbone']));
  expect(schemes.map(({ scheme }) => scheme)).toEqual(expect.arrayContaining([...envoySchemes]));
});

test.each(['ws', 'toString', ''])('%j is none of Envoy', (scheme) => {
  expect(findTerms(scheme)).toBeUndefined();
  expect(() => termsOf({ scheme })).toThrow(`Envoy does not speak ${scheme}`);
});

test('a scheme that is no row is refused with its hop', () => {
  const { message } = refusalOf(() => exportHop('ws'));
  expect(message).toBe('cannot export to Envoy: a: it does not speak ws://127.0.0.1:1');
});

test.each(envoySchemes)('what is exported for %s is read as such', (scheme) => {
  expect(listStages(loadEnvoy(exportHop(scheme)).graph)[0]?.route.hops[0]?.[0]?.scheme).toBe(scheme);
});

test.each(envoySchemes)('what a cluster may say for %s leads back to it', (scheme) => {
  const { tunnel, isSecured, versions } = termsOf({ scheme });
  for (const version of versions) expect(findHopTerms({ tunnel, isSecured, version })).toBe(scheme);
});

test('a mesh is spoken in HTTP/2 and TLS alone', () => {
  expect(findHopTerms({ tunnel: 'mesh', isSecured: true, version: 'http1' })).toBeUndefined();
  expect(findHopTerms({ tunnel: 'mesh', isSecured: false, version: 'http2' })).toBeUndefined();
});
