import { startEnvoyProxy, startEnvoyReverse, startEnvoyRow } from './envoy.mjs';
import { startHaproxy } from './haproxy.mjs';
import { startNghttpxReverse, startNghttpxRow } from './nghttpx.mjs';
import { startInstalled } from './programs.mjs';
import { startSquid } from './squid.mjs';
import { startTinyproxy } from './tinyproxy.mjs';
import { startHttpStage, startServe, startTunlRow, startTunlRowTogether } from './tunl.mjs';

/**
 * A subject is a thing that is measured. `port` and `form` say how load gets through it. `children` are the programs
 * whose CPU and memory, with that of their descendants, are its cost, and `ends` those at the two ends of the way.
 */

/** Starts `tunl serve` and the proxies that it is compared with over HTTP/1.1: one line for each. */
export function startProxies(bench, origin) {
  const form = 'connect';
  return startInstalled(bench, [
    {
      name: 'haproxy (tcp)',
      kind: 'bound',
      form: 'raw',
      programs: ['haproxy'],
      start: (path) => startHaproxy(bench, path, origin),
    },
    { name: 'squid', form, programs: ['squid'], start: (path) => startSquid(bench, path) },
    { name: 'tinyproxy', form, programs: ['tinyproxy'], start: (path) => startTinyproxy(bench, path) },
    { name: 'envoy', form, programs: ['envoy'], start: (path) => startEnvoyProxy(bench, path) },
    { name: 'tunl serve', kind: 'tunl', form, start: () => startServe(bench) },
  ]);
}

/**
 * Starts a client of HTTP/2 and a server, each of tunl, of Envoys and of nghttpx (the last with a squid at its end,
 * because nghttpx dials no targets). For `options` see `startTunlRow` and its like.
 */
export function startPairs(bench, { originPort }, options = {}) {
  const all = { originPort, ...options };
  return startInstalled(bench, [
    {
      name: 'nghttpx pair, squid',
      form: 'connect',
      programs: ['nghttpx', 'squid'],
      start: (...paths) => startNghttpxRow(bench, ...paths, all),
    },
    { name: 'envoy pair', form: 'raw', programs: ['envoy'], start: (path) => startEnvoyRow(bench, path, all) },
    { name: 'tunl forward, serve', kind: 'tunl', form: 'raw', start: () => startTunlRow(bench, all) },
  ]);
}

/** Starts three hops in a row of tunl and of the peers, each hop in a process of its own or `together` in one. */
export function startThreeHops(bench, { originPort }, { together }) {
  const all = { originPort, hops: 3, together };
  return startInstalled(bench, [
    // nghttpx cannot be three hops in one process.
    ...(together
      ? []
      : [
          {
            name: 'nghttpx x3, squid',
            form: 'connect',
            programs: ['nghttpx', 'squid'],
            start: (...paths) => startNghttpxRow(bench, ...paths, all),
          },
        ]),
    { name: 'envoy x3', form: 'raw', programs: ['envoy'], start: (path) => startEnvoyRow(bench, path, all) },
    {
      name: 'tunl x3',
      kind: 'tunl',
      form: 'raw',
      start: () => (together ? startTunlRowTogether : startTunlRow)(bench, all),
    },
  ]);
}

/** Starts an HTTP stage of tunl and reverse proxies, all in front of an HTTP origin. */
export function startReverseProxies(bench, origin) {
  return startInstalled(bench, [
    { name: 'nghttpx', programs: ['nghttpx'], start: (path) => startNghttpxReverse(bench, path, origin) },
    { name: 'envoy', programs: ['envoy'], start: (path) => startEnvoyReverse(bench, path, origin) },
    { name: 'tunl chain', kind: 'tunl', start: () => startHttpStage(bench, origin) },
  ]);
}
