import { loadSource } from '../../../scripts/load-source.mjs';
import { startHttptunnel } from './httptunnel.mjs';
import { startNginx } from './nginx.mjs';
import { startInstalled } from './programs.mjs';
import { startServe } from './tunl.mjs';

/** The setting of hops whose price is measured, and what the far end needs for it. */
const resume = { name: 'resume', time: '10m' };

/** The scheme that the others are compared with. */
const reference = 'http';

/**
 * Starts `tunl forward` in front of the origin for every scheme of the registry, each directly in front of its far end
 * and, where its requests look like those of the web, behind an nginx; those with CONNECT in cleartext also with
 * `resume`. `carrier` names the carrier of a subject.
 */
export async function startCarriers(bench, { originPort }, certs) {
  const { schemes } = await loadSource('src/carriers/index.ts');
  const farEnd = makeFarEnds(bench, schemes, certs);
  const start = async (scheme, reach, query = '') => {
    const { port, children } = await reach();
    const url = `${scheme.scheme}://127.0.0.1:${port}${query}`;
    const secured = scheme.tls ? ['--cacert', certs.ca] : [];
    const shown = scheme.tls?.clientCert ? ['--cert', certs.cert, '--key', certs.key] : [];
    const spec = `127.0.0.1:0:127.0.0.1:${originPort}`;
    const near = await bench.startTunl('forward', spec, '-x', url, ...secured, ...shown);
    return { port: near.ports[0], children: [near.child, ...children] };
  };
  const table = schemes.flatMap((scheme) => {
    const common = { form: 'raw', carrier: scheme.carrier.name, kind: 'tunl' };
    const query = `?${resume.name}=${resume.time}`;
    return [
      {
        ...common,
        name: scheme.scheme,
        kind: scheme.scheme === reference ? 'peer' : 'tunl',
        start: () => start(scheme, () => farEnd(scheme)),
      },
      ...(asksByConnect(scheme) && !scheme.tls && takes(scheme, resume.name)
        ? [{ ...common, name: `${scheme.scheme} ${query}`, start: () => start(scheme, () => farEnd(scheme), query) }]
        : []),
      ...(passesReverseProxies(scheme) ? [true, false] : []).map((buffers) => ({
        ...common,
        name: `${scheme.scheme}, nginx${buffers ? '' : ' unbuffered'}`,
        buffers,
        programs: ['nginx'],
        start: (path) => start(scheme, () => startFront(bench, path, { scheme, farEnd, certs, buffers })),
      })),
    ];
  });
  return startInstalled(bench, [
    ...table,
    {
      name: 'httptunnel',
      kind: 'bound',
      form: 'raw',
      most: 1,
      settleMs: 1000,
      programs: ['hts', 'htc'],
      start: (...paths) => startHttptunnel(bench, ...paths, { originPort }),
    },
  ]);
}

/** Returns a function that starts the far end of a scheme, or finds the one that serves others too. */
function makeFarEnds(bench, schemes, certs) {
  const secure = ['--tls', '--cert', certs.cert, '--key', certs.key];
  const switches = new Set(
    schemes.flatMap(({ carrier: { serveFlag, server } }) => (serveFlag && !server ? [`--${serveFlag.name}`] : [])),
  );
  const common = [...switches, `--${resume.name}`, resume.time];
  const kinds = {
    cleartext: () => startServe(bench, ...common),
    tls: () => startServe(bench, ...common, ...secure),
    socks: async () => {
      const { child, ports } = await bench.startTunl('forward', 'socks:127.0.0.1:0', '--direct');
      return { port: ports[0], children: [child] };
    },
  };
  const started = new Map();
  return ({ tls, carrier: { protocol, server, serveFlag } }) => {
    const kind = server ? serveFlag.name : (protocol ?? (tls ? 'tls' : 'cleartext'));
    const mutual = () => startServe(bench, `--${kind}`, ...secure.slice(1), '--client-ca', certs.ca);
    if (!started.has(kind)) started.set(kind, (kinds[kind] ?? mutual)());
    return started.get(kind);
  };
}

/** Starts nginx in front of the far end in cleartext. */
async function startFront(bench, path, { scheme, farEnd, certs, buffers }) {
  const { scheme: name, tls, carrier } = scheme;
  const end = await farEnd({ carrier });
  const http2 = tls ? tls.alpn.includes('h2') : name.endsWith('h2c');
  const front = await startNginx(bench, path, { backendPort: end.port, ...(tls && { certs }), http2, buffers });
  return { port: front.port, children: [...front.children, ...end.children] };
}

function asksByConnect({ carrier }) {
  return carrier.methods.includes('CONNECT');
}

/** True for requests that a reverse proxy takes for those of a web page: it answers CONNECT itself. */
function passesReverseProxies(scheme) {
  return scheme.carrier.methods.length > 0 && !asksByConnect(scheme);
}

function takes({ carrier }, setting) {
  return carrier.settings.some(({ name }) => name === setting);
}
