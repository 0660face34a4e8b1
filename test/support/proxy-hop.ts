import type { Hop } from '../../src/core/hop.ts';

/** A hop without settings: `http://proxy.corp:8080`. */
export const proxyHop: Hop = {
  scheme: 'http',
  address: { kind: 'tcp', host: 'proxy.corp', port: 8080 },
  tls: {},
  headers: [],
  settings: {},
};
