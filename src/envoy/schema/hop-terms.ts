import { TunlError } from '../../core/errors.ts';
import type { Hop } from '../../core/hop.ts';

/** Envoy's equivalents for the settings of a hop, for one type of tunnel request. */
interface TunnelTerms {
  /** Settings of the hop that Envoy has as settings too. */
  readonly settings: readonly string[];
  /** Settings of the hop that Envoy can only send as fields, each with the name of its field. */
  readonly fields: Readonly<Record<string, string>>;
  /** Settings that a hop needs in order to behave exactly as Envoy does. */
  readonly said: Readonly<Record<string, string>>;
  /** The half-close mode with which a hop behaves as Envoy does; absent if the carrier does so by default. */
  readonly halfClose?: 'now';
  /** The name of the field for credentials. */
  readonly login: 'authorization' | 'proxy-authorization';
}

/** The types of tunnel requests. `mesh` is CONNECT between peers that verify each other's SPIFFE ids. */
const tunnels = {
  connect: { settings: [], fields: {}, said: {}, halfClose: 'now', login: 'proxy-authorization' },
  post: { settings: ['path'], fields: {}, said: {}, login: 'authorization' },
  mesh: {
    settings: ['peer', 'traceparent', 'forwarded'],
    fields: { baggage: 'baggage', network: 'x-forwarded-network', source: 'x-istio-source' },
    said: { traceparent: 'no', forwarded: 'no' },
    login: 'proxy-authorization',
  },
} as const satisfies Record<string, TunnelTerms>;

/** The properties of an Envoy cluster for a scheme. */
interface ClusterTerms {
  readonly tunnel: keyof typeof tunnels;
  /** The versions that the cluster may have; export writes the first. `either`: the server chooses it with ALPN. */
  readonly versions: readonly [HopVersion, ...HopVersion[]];
  readonly isSecured: boolean;
  /** The default port of a hop. */
  readonly port: number;
}

/** The versions of HTTP that a cluster can speak. */
export type HopVersion = 'http1' | 'http2' | 'either';

/** Envoy's equivalents for a scheme of hops. */
export type HopTerms = ClusterTerms & TunnelTerms;

const clusters: Readonly<Record<string, ClusterTerms>> = {
  http: { tunnel: 'connect', versions: ['http1', 'either'], isSecured: false, port: 80 },
  https: { tunnel: 'connect', versions: ['either', 'http1'], isSecured: true, port: 443 },
  h2c: { tunnel: 'connect', versions: ['http2'], isSecured: false, port: 80 },
  h2: { tunnel: 'connect', versions: ['http2'], isSecured: true, port: 443 },
  'post+http': { tunnel: 'post', versions: ['http1', 'either'], isSecured: false, port: 80 },
  'post+https': { tunnel: 'post', versions: ['either', 'http1'], isSecured: true, port: 443 },
  'post+h2c': { tunnel: 'post', versions: ['http2'], isSecured: false, port: 80 },
  'post+h2': { tunnel: 'post', versions: ['http2'], isSecured: true, port: 443 },
  hbone: { tunnel: 'mesh', versions: ['http2'], isSecured: true, port: 15_008 },
};

/** The schemes that Envoy speaks. */
export const envoySchemes: readonly string[] = Object.keys(clusters);

/** Finds Envoy's equivalents for a scheme. Returns undefined if Envoy does not support it. */
export function findTerms(scheme: string): HopTerms | undefined {
  const cluster = Object.hasOwn(clusters, scheme) ? clusters[scheme] : undefined;
  return cluster && { ...cluster, ...tunnels[cluster.tunnel] };
}

/**
 * Returns Envoy's equivalents for the scheme of a hop.
 * @throws {TunlError} internal, if Envoy does not support it
 */
export function termsOf({ scheme }: Pick<Hop, 'scheme'>): HopTerms {
  const terms = findTerms(scheme);
  if (!terms) throw new TunlError('internal', `Envoy does not speak ${scheme}`);
  return terms;
}

/** The tunnel settings of a cluster and of the filter that uses it. */
export interface SaidOfTunnels extends Pick<ClusterTerms, 'tunnel' | 'isSecured'> {
  readonly version: HopVersion;
}

/** Finds the scheme with these tunnel settings. Returns undefined if tunl has none. */
export function findHopTerms({ tunnel, version, isSecured }: SaidOfTunnels): string | undefined {
  return envoySchemes.find((scheme) => {
    const terms = clusters[scheme];
    return terms?.tunnel === tunnel && terms.isSecured === isSecured && terms.versions.includes(version);
  });
}
