import { formatDuration } from '../core/deadline.ts';
import { parseDuration } from './duration.ts';
import { collectValues, type Setting } from './stage-settings.ts';

/** A setting that is a time limit. */
export interface LimitSetting extends Setting {
  /** The default. */
  readonly fallback: string;
  /** The default for a proxy and for an HTTP stage, if it differs. */
  readonly serveFallback?: string;
  /** The default for a file of Envoy, if it differs. */
  readonly envoyFallback?: string;
  /** Present if the limit concerns clients: the upstreams of a stage do not inherit it. */
  readonly isOfClients?: true;
  /** Present if the model omits the limit unless it is set. */
  readonly isOptional?: true;
  /** Present if Envoy has no such limit. */
  readonly notInEnvoy?: true;
}

/** The set of defaults: for stages that forward (also upstreams and `connect`), for stages that read requests, or for a file of Envoy. */
export type Side = 'forward' | 'serve' | 'envoy';

const limitRows = [
  {
    key: 'dns',
    flag: 'dns-timeout',
    field: 'dnsMs',
    summary: 'limit for resolving a name',
    fallback: '5s',
    notInEnvoy: true,
  },
  {
    key: 'connect',
    flag: 'connect-timeout',
    field: 'connectMs',
    summary: 'limit for the TCP connection',
    fallback: '10s',
    envoyFallback: '5s',
  },
  {
    key: 'tls',
    flag: 'tls-timeout',
    field: 'tlsMs',
    summary: 'limit for each TLS handshake',
    fallback: '10s',
    envoyFallback: '5s',
    notInEnvoy: true,
  },
  {
    key: 'handshake',
    flag: 'handshake-timeout',
    field: 'handshakeMs',
    summary: "limit for each proxy's answer",
    fallback: '15s',
    notInEnvoy: true,
  },
  {
    key: 'idle',
    flag: 'idle-timeout',
    field: 'idleMs',
    summary: 'end a tunnel that moves nothing for so long',
    fallback: 'off',
    serveFallback: '1h',
    isOfClients: true,
  },
  {
    key: 'linger',
    flag: 'linger',
    field: 'lingerMs',
    summary: 'wait so long without progress once one direction has ended',
    fallback: '60s',
    notInEnvoy: true,
  },
  {
    key: 'half-close-wait',
    flag: 'half-close-wait',
    field: 'halfCloseWaitMs',
    summary: 'tell a proxy that may end both directions that ours has ended once nothing has moved for so long',
    fallback: '2s',
    notInEnvoy: true,
  },
  {
    key: 'lifetime',
    field: 'lifetimeMs',
    summary: 'end a tunnel that is so old, whatever it moves',
    fallback: 'off',
    isOfClients: true,
    isOptional: true,
  },
] as const satisfies readonly LimitSetting[];

type LimitRow = (typeof limitRows)[number];
type OptionalRow = Extract<LimitRow, { isOptional: true }>;

/** The time limits, in the order of the help. */
export const limitSettings: readonly (LimitSetting & Pick<LimitRow, 'key' | 'field'>)[] = limitRows;

/** The time limits, in milliseconds. 0 disables a limit; an optional limit that is absent is disabled too. */
export type Limits = { readonly [Field in Exclude<LimitRow, OptionalRow>['field']]: number } & {
  readonly [Field in OptionalRow['field']]?: number;
};

/** Returns the default of a limit, as a user would write it. */
export function fallbackOf({ fallback, serveFallback, envoyFallback }: LimitSetting, side: Side): string {
  return { forward: fallback, serve: serveFallback, envoy: envoyFallback }[side] ?? fallback;
}

/**
 * Collects the time limits, in milliseconds, and adds the defaults of those that are not set.
 * @param read returns a limit in milliseconds, or undefined if it is not set
 */
export function collectLimits(
  side: Side,
  read: (setting: (typeof limitSettings)[number]) => number | undefined,
): Limits {
  return collectValues(
    limitSettings,
    (setting) =>
      read(setting) ?? (setting.isOptional ? undefined : parseDuration(fallbackOf(setting, side), setting.key)),
  ) as Limits;
}

/** Returns the default time limits, in milliseconds. */
export function defaultLimits(side: Side): Limits {
  return collectLimits(side, () => undefined);
}

/** Formats a limit so that `parseDuration` can read it. */
export function formatLimit(ms: number): string {
  return ms === 0 ? 'off' : formatDuration(ms);
}

const capRows = [
  {
    key: 'max-tunnels',
    flag: 'max-tunnels',
    field: 'total',
    summary: 'at most N tunnels at a time; more are refused with 503',
  },
  {
    key: 'max-tunnels-per-client',
    flag: 'max-tunnels-per-client',
    field: 'perClient',
    summary: 'at most N from one address; of IPv6 from one /64',
  },
  {
    key: 'max-tunnels-per-session',
    flag: 'max-tunnels-per-session',
    field: 'perSession',
    summary: 'at most N in one HTTP/2 connection, which clients are told',
    usually: '1000 by default',
  },
] as const satisfies readonly CapSetting[];

/** A setting that limits the number of tunnels; there is no limit unless it is set. */
export interface CapSetting extends Setting {
  readonly flag: string;
  /** A note on the default in the help, if the default is not "no limit". */
  readonly usually?: string;
}

type CapRow = (typeof capRows)[number];

/** The limits on the number of tunnels, in the order of the help. */
export const capSettings: readonly (CapSetting & Pick<CapRow, 'key' | 'field'>)[] = capRows;

/** The key of a cap in a file. */
export type CapKey = CapRow['key'];

/** The limits on the number of tunnels open at a time; an absent one is no limit. */
export type Caps = { readonly [Field in CapRow['field']]?: number };

/** The highest value of a cap: no process has descriptors for more. */
export const maxCap = 1_000_000;

/** Collects the caps that are set; the result has no `caps` if none is. */
export function collectCaps(read: (setting: (typeof capSettings)[number]) => number | undefined): {
  readonly caps?: Caps;
} {
  const caps = collectValues(capSettings, read);
  return Object.keys(caps).length === 0 ? {} : { caps };
}
