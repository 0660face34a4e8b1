import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeCerts } from '../../support/certs/certs.ts';
import type { CertFiles } from '../support/origin.ts';
import { type Part, startPart } from '../support/part.ts';
import { type Result, run } from '../support/process.ts';
import { cacheFolder, makeFolder } from '../support/workspace.ts';

/** The path at which setup.sh installs Envoy. */
export const envoyProgram: string = join(cacheFolder, 'envoy', 'bin', 'envoy');

/** False where setup.sh could not install it. */
export const hasEnvoy: boolean = existsSync(envoyProgram);

/** A script that starts it beside others of this machine, and small. */
export const envoyWrapper: string = `#!/bin/sh\nexec '${envoyProgram}' --disable-hot-restart --concurrency 1 "$@"\n`;

/** An Envoy and its admin interface. */
export interface EnvoyPart extends Part {
  /** Sends a POST to its admin interface and gives the answer. */
  order(path: string): Promise<string>;
  /** Reads one of its counters. */
  readCounter(name: string): Promise<number>;
}

/** The protocols that an Envoy which ends tunnels speaks with its clients. */
export interface TerminatorOptions {
  readonly tls?: CertFiles;
  /** The protocols that it offers by ALPN, by default both. In cleartext it goes by the first bytes. */
  readonly alpn?: readonly string[];
}

/** The proxy and the target of an Envoy that opens tunnels, and its way to ask for them. */
export interface EncapsulatorOptions {
  readonly proxyPort: number;
  /** `HOST:PORT` that it asks the proxy for. */
  readonly target: string;
  readonly method: 'CONNECT' | 'POST';
  readonly protocol: 'h1' | 'h2';
  /** File of the authority that the proxy's certificate is checked by; cleartext without. */
  readonly cacert?: string;
}

/** Starts Envoy as the end of tunnels that come as CONNECT or as POST: it dials the address in `:authority`. */
export function startEnvoyTerminator({ tls, alpn = ['h2', 'http/1.1'] }: TerminatorOptions = {}): Promise<EnvoyPart> {
  const upgrade = (connectConfig: object) => ({
    cluster: 'asked',
    timeout: '0s',
    upgrade_configs: [{ upgrade_type: 'CONNECT', connect_config: connectConfig }],
  });
  const post = { prefix: '/', headers: [{ name: ':method', string_match: { exact: 'POST' } }] };
  const routes = [
    { match: { connect_matcher: {} }, route: upgrade({}) },
    { match: post, route: upgrade({ allow_post: true }) },
  ];
  const secure = tls && {
    transport_socket: makeServerTls({ alpn_protocols: alpn, tls_certificates: [makeCertificate(tls)] }),
  };
  return startEnvoy((port) => ({
    listeners: [makeListener(port, { filters: [makeHttpFilter('CONNECT', routes)], ...secure })],
    clusters: [askedCluster],
  }));
}

/** Starts Envoy as a listener whose connections it sends through tunnels of a proxy. */
export function startEnvoyEncapsulator(options: EncapsulatorOptions): Promise<EnvoyPart> {
  const { proxyPort, target, method, protocol, cacert } = options;
  const tcpProxy = {
    ...typed('filters.network.tcp_proxy.v3.TcpProxy'),
    stat_prefix: 'front',
    cluster: 'proxy',
    tunneling_config: { hostname: target, ...(method === 'POST' && { use_post: true }) },
  };
  const secure = cacert !== undefined && {
    transport_socket: {
      name: 'tls',
      typed_config: {
        ...typed('transport_sockets.tls.v3.UpstreamTlsContext'),
        sni: 'localhost',
        common_tls_context: { validation_context: { trusted_ca: { filename: cacert } } },
      },
    },
  };
  const http = protocol === 'h2' ? { http2_protocol_options: {} } : { http_protocol_options: {} };
  return startEnvoy((port) => ({
    listeners: [makeListener(port, { filters: [{ name: 'tcp', typed_config: tcpProxy }] })],
    clusters: [{ ...makeHttpCluster('proxy', proxyPort, http), ...secure }],
  }));
}

/** Starts Envoy with a file; one of its listeners must be at the port that `writeFile` is given. */
export function startEnvoyFile(writeFile: (port: number, folder: string) => Promise<string>): Promise<Part> {
  return startPart('envoy', async (port, folder) => ({
    file: envoyProgram,
    args: ['-c', await writeFile(port, folder), '--concurrency', '1', '--disable-hot-restart', '-l', 'warning'],
  }));
}

/** A configuration that Envoy does not take, and its reason. */
export interface RefusedText {
  readonly text: string;
  readonly why: string;
}

/** Lets Envoy say what it thinks of a file, without running it. */
export function checkEnvoy(file: string): Promise<Result> {
  // Envoy opens the logs that a file names, and some names are no paths: they end in the working folder.
  return run({
    file: envoyProgram,
    args: ['--mode', 'validate', '-c', file, '-l', 'warning', '--disable-hot-restart'],
    cwd: dirname(file),
  });
}

/** Lets Envoy look at configurations, two at a time, without running them. Returns those that it does not take. */
export async function findRefused(texts: readonly string[]): Promise<readonly RefusedText[]> {
  const folder = makeFolder('looked-at');
  const refused: RefusedText[] = [];
  const waiting = texts.entries();
  // Envoy reads the files of certificates too, which the corpus expects in the folder that `readCorpus` names.
  const { ca, server, remove } = await makeCerts();
  const files = { cert: server.cert, key: server.key, ca: ca.cert } as const;
  const withFiles = (text: string) =>
    text.replaceAll(/\/tmp\/(cert|key|ca)\.pem/g, (_path, file: keyof typeof files) => files[file]);
  const lookAtAll = async () => {
    for (const [index, text] of waiting) {
      const file = join(folder, `${index}.yaml`);
      writeFileSync(file, withFiles(text));
      const { code, stderr } = await checkEnvoy(file);
      if (code !== 0) refused.push({ text, why: stderr });
    }
  };
  await Promise.all([lookAtAll(), lookAtAll()]).finally(remove);
  return refused;
}

/** Starts Envoy with these resources; its listener must be at the port that `writeResources` is given. */
export async function startEnvoy(writeResources: (port: number) => object): Promise<EnvoyPart> {
  let adminFile = '';
  const part = await startPart('envoy', (port, folder) => {
    adminFile = join(folder, 'admin');
    const config = join(folder, 'envoy.yaml');
    // JSON is YAML.
    writeFileSync(
      config,
      JSON.stringify({ admin: { address: makeAddress(0) }, static_resources: writeResources(port) }, null, 2),
    );
    const files = ['-c', config, '--admin-address-path', adminFile];
    const quick = ['--drain-strategy', 'immediate', '--drain-time-s', '60'];
    return {
      file: envoyProgram,
      args: [...files, ...quick, '--concurrency', '1', '--disable-hot-restart', '-l', 'warning'],
    };
  });
  const ask = async (path: string, method: string) => {
    const answer = await fetch(`http://${readFileSync(adminFile, 'utf8').trim()}${path}`, { method });
    if (!answer.ok) throw new Error(`${method} ${path} to the admin interface of envoy: ${answer.status}`);
    return answer.text();
  };
  return {
    ...part,
    order: (path) => ask(path, 'POST'),
    async readCounter(name) {
      const [, count] = /: (\d+)$/.exec((await ask(`/stats?filter=^${name}$`, 'GET')).trim()) ?? [];
      if (count === undefined) throw new Error(`envoy has no counter ${name}`);
      return Number(count);
    },
  };
}

/** Names one of Envoy's own messages. */
export function typed(message: string): { '@type': string } {
  return { '@type': `type.googleapis.com/envoy.extensions.${message}` };
}

/** A port of 127.0.0.1. */
export function makeAddress(port: number) {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}

/** The listener that a part is known by. */
export function makeListener(port: number, chain: object) {
  return { name: 'front', address: makeAddress(port), filter_chains: [chain] };
}

/** The filter of a listener that answers requests by these routes and takes upgrades of one type, over HTTP/2 too. */
export function makeHttpFilter(upgrade: string, routes: readonly object[], more: object = {}) {
  const manager = {
    ...typed('filters.network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: 'front',
    stream_idle_timeout: '0s',
    http2_protocol_options: { allow_connect: true },
    upgrade_configs: [{ upgrade_type: upgrade }],
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
    http_filters: [{ name: 'router', typed_config: typed('filters.http.router.v3.Router') }],
    ...more,
  };
  return { name: 'http', typed_config: manager };
}

/** The TLS of a listener. */
export function makeServerTls(common: object, more: object = {}) {
  const context = { ...typed('transport_sockets.tls.v3.DownstreamTlsContext'), ...more, common_tls_context: common };
  return { name: 'tls', typed_config: context };
}

/** A certificate and its key. */
export function makeCertificate({ cert, key }: CertFiles) {
  return { certificate_chain: { filename: cert }, private_key: { filename: key } };
}

/** A cluster of one port of 127.0.0.1, with what says how HTTP is spoken there. */
export function makeHttpCluster(name: string, port: number, http: object) {
  return {
    name,
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: makeAddress(port) } }] }],
    },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        ...typed('upstreams.http.v3.HttpProtocolOptions'),
        explicit_http_config: http,
      },
    },
  };
}

/** The cluster of the address in `:authority`. */
export const askedCluster = {
  name: 'asked',
  type: 'ORIGINAL_DST',
  lb_policy: 'CLUSTER_PROVIDED',
  original_dst_lb_config: { use_http_header: true, http_header_name: ':authority' },
} as const;
