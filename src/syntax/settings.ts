import { formatDuration } from '../core/deadline.ts';
import { parseDuration } from './duration.ts';

/** A setting that stages have: how files, the command line and the model call it. What all of these say of it follows from here. */
export interface Setting {
  /** Its key in a file. */
  readonly key: string;
  /** Its option, without the dashes; absent where only files have it. */
  readonly flag?: string;
  /** Its field in the model. */
  readonly field: string;
  /** What it does, as the help says it. */
  readonly summary: string;
}

/** A setting that is a limit of time. */
export interface LimitSetting extends Setting {
  /** What it is where nothing is said. */
  readonly fallback: string;
  /** The same for a proxy and for an HTTP stage, where it differs. */
  readonly serveFallback?: string;
  /** The same where a file of Envoy says nothing, where it differs. */
  readonly envoyFallback?: string;
  /** It is about clients: the upstreams of a stage do not have it from their stage. */
  readonly isOfClients?: true;
  /** The model goes without it where nothing is said. */
  readonly isOptional?: true;
  /** Envoy has no limit like it. */
  readonly notInEnvoy?: true;
}

/** Whose defaults: those of what forwards (upstreams and `connect` too), of what looks at requests, or of a file of Envoy. */
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

/** The limits, in the order in which they are told of. */
export const limitSettings: readonly (LimitSetting & Pick<LimitRow, 'key' | 'field'>)[] = limitRows;

/** Limits of the phases, in milliseconds. 0 switches a limit off; so does the absence of one that may be absent. */
export type Limits = { readonly [Field in Exclude<LimitRow, OptionalRow>['field']]: number } & {
  readonly [Field in OptionalRow['field']]?: number;
};

/** What a limit is where nothing is said, as it is written. */
export function fallbackOf({ fallback, serveFallback, envoyFallback }: LimitSetting, side: Side): string {
  return { forward: fallback, serve: serveFallback, envoy: envoyFallback }[side] ?? fallback;
}

/**
 * The limits of somebody who says some of them, in milliseconds.
 * @param read gives the milliseconds of one, or undefined where it is not said
 */
export function collectLimits(
  side: Side,
  read: (setting: (typeof limitSettings)[number]) => number | undefined,
): Limits {
  return Object.fromEntries(
    limitSettings.flatMap((setting) => {
      const ms =
        read(setting) ?? (setting.isOptional ? undefined : parseDuration(fallbackOf(setting, side), setting.key));
      return ms === undefined ? [] : [[setting.field, ms]];
    }),
  ) as unknown as Limits;
}

/** The limits where nothing is said, in milliseconds. */
export function defaultLimits(side: Side): Limits {
  return collectLimits(side, () => undefined);
}

/** Writes a limit as `parseDuration` reads it. */
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

/** A setting that is a number of tunnels: as many as come where nothing is said. */
export interface CapSetting extends Setting {
  readonly flag: string;
  /** What it is where nothing is said, where that is not for the setting alone to say. */
  readonly usually?: string;
}

type CapRow = (typeof capRows)[number];

/** How many tunnels there may be, in the order in which it is told of. */
export const capSettings: readonly (CapSetting & Pick<CapRow, 'key' | 'field'>)[] = capRows;

/** What caps are called in a file. */
export type CapKey = CapRow['key'];

/** How many tunnels there may be at a time; absent: as many as come. */
export type Caps = { readonly [Field in CapRow['field']]?: number };

/** The most that a cap may say: no process has descriptors for more. */
export const maxCap = 1_000_000;

/** The caps of somebody who says some of them; none at all of somebody who says none. */
export function collectCaps(read: (setting: (typeof capSettings)[number]) => number | undefined): {
  readonly caps?: Caps;
} {
  const given = capSettings.flatMap((setting) => {
    const count = read(setting);
    return count === undefined ? [] : [[setting.field, count] as const];
  });
  return given.length === 0 ? {} : { caps: Object.fromEntries(given) };
}

/** What a setting does, as the schema of files says it. */
export function describeInFile(setting: LimitSetting | CapSetting): string {
  if (!('fallback' in setting)) return setting.summary.replace(/\bN\b/, 'so many');
  const { summary, fallback, serveFallback } = setting;
  return `${summary}; ${fallback}${serveFallback === undefined ? '' : `, and ${serveFallback} for a proxy or http`}`;
}
