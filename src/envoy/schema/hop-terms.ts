import { TunlError } from '../../core/errors.ts';
import type { Hop } from '../../core/hop.ts';

/** What Envoy has for one way to ask for a tunnel. */
interface TunnelTerms {
  /** Settings that stay settings: they are something of Envoy's own. */
  readonly settings: readonly string[];
  /** Settings that Envoy sends as fields, each with its field. */
  readonly fields: Readonly<Record<string, string>>;
  /** Settings that a hop must have to do no more than Envoy does. */
  readonly said: Readonly<Record<string, string>>;
  /** When Envoy ends its half; absent where the carrier does the same without being told. */
  readonly halfClose?: 'now';
  /** The field that credentials are sent in. */
  readonly login: 'authorization' | 'proxy-authorization';
}

/** `mesh` is CONNECT between two that know each other by SPIFFE ids. */
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

/** What the cluster of a hop says. */
interface ClusterTerms {
  readonly tunnel: keyof typeof tunnels;
  /** What the cluster may say of its version, that which is written first. `either`: as the server chooses in TLS. */
  readonly versions: readonly [HopVersion, ...HopVersion[]];
  readonly isSecured: boolean;
  /** The port of a hop whose address names none. */
  readonly port: number;
}

/** The versions of HTTP that a cluster can speak. */
export type HopVersion = 'http1' | 'http2' | 'either';

/** What a scheme of hops is for Envoy. */
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

/** Finds what a scheme is for Envoy; undefined where Envoy does not speak it. */
export function findTerms(scheme: string): HopTerms | undefined {
  const cluster = Object.hasOwn(clusters, scheme) ? clusters[scheme] : undefined;
  return cluster && { ...cluster, ...tunnels[cluster.tunnel] };
}

/** What the scheme of a hop is for Envoy, once it is known that Envoy speaks it. */
export function termsOf({ scheme }: Pick<Hop, 'scheme'>): HopTerms {
  const terms = findTerms(scheme);
  if (!terms) throw new TunlError('internal', `Envoy does not speak ${scheme}`);
  return terms;
}

/** What a cluster and the filter that leads there say of tunnels. */
export interface SaidOfTunnels extends Pick<ClusterTerms, 'tunnel' | 'isSecured'> {
  readonly version: HopVersion;
}

/** Finds the scheme for that; undefined where tunl has none. */
export function findHopTerms({ tunnel, version, isSecured }: SaidOfTunnels): string | undefined {
  return envoySchemes.find((scheme) => {
    const terms = clusters[scheme];
    return terms?.tunnel === tunnel && terms.isSecured === isSecured && terms.versions.includes(version);
  });
}
