import { usageError } from '../core/errors.ts';
import { quote } from './text.ts';

/** A setting of stages. Files, the command line and the model take its names, its summary and its defaults from here. */
export interface Setting {
  /** Its key in a file. */
  readonly key: string;
  /** Its option, without the dashes; absent if only files have it. */
  readonly flag?: string;
  /** Its field in the model. */
  readonly field: string;
  /** Its description in the help. */
  readonly summary: string;
}

/** A setting that is on or off. Default: off. */
interface SwitchSetting extends Setting {
  readonly kind: 'switch';
}

/** A setting with a fixed set of values. */
export interface ChoiceSetting extends Setting {
  readonly kind: 'choice';
  /** The permitted values. */
  readonly values: readonly string[] | readonly number[];
  /** The name of a value in the help of its option. */
  readonly value?: string;
  /** The default value, which is absent in the model. */
  readonly usual?: string;
  /** The default in words. */
  readonly fallback?: string;
  /** The default for a proxy and an HTTP stage, if it differs. */
  readonly serveFallback?: string;
}

/** A setting that is a list of rules. */
interface RulesSetting extends Setting {
  readonly kind: 'rules';
}

/** A setting that is a list of names in certificates. Only files have such settings. */
interface NamesSetting extends Setting {
  readonly kind: 'names';
  readonly flag?: never;
}

/** A setting that is the path of a file. */
interface FileSetting extends Setting {
  readonly kind: 'file';
  /** The default in words. */
  readonly fallback?: string;
}

/** A setting that is a number from 0. */
export interface CountSetting extends Setting {
  readonly kind: 'count';
  /** A permitted value in words, for messages. */
  readonly what: string;
  readonly max: number;
}

/** A setting that is a time; `off` is 0. */
interface DurationSetting extends Setting {
  readonly kind: 'duration';
}

/** A setting that is the path in front of those of requests for tunnels. */
interface PathPrefixSetting extends Setting {
  readonly kind: 'path-prefix';
  /** The default value, which is absent in the model. */
  readonly usual: string;
}

/** A setting that is the address of a Unix socket, `unix:PATH`. */
interface SocketSetting extends Setting {
  readonly kind: 'socket';
}

/** A setting that is an IP address. Only files have such settings. */
interface IpSetting extends Setting {
  readonly kind: 'ip';
  readonly flag?: never;
}

/** A setting of a stage that is neither a limit of time nor a number of tunnels. */
export type StageSetting =
  | SwitchSetting
  | ChoiceSetting
  | RulesSetting
  | NamesSetting
  | FileSetting
  | CountSetting
  | DurationSetting
  | IpSetting
  | SocketSetting
  | PathPrefixSetting;

/** The path in front of those of requests for tunnels, if nothing else is set. */
export const usualPathPrefix = '/.well-known/tunl';

/**
 * Reads the path in front of those of requests for tunnels, such as `/team/tunnels`.
 * @param name the option or setting, for messages
 * @throws {TunlError} usage
 */
export function parsePathPrefix(text: string, name: string): string {
  if (/^(?:\/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)+$/.test(text)) return text;
  throw usageError(`${name} ${quote(text)} is no path: it begins with a slash and does not end with one`);
}

/** The group in which the help of `serve` lists an option of a proxy. */
type Listed = { readonly listed: 'running' | 'accepts' | 'who' };

/** Makes the names of a setting that has the same one in files, on the command line and in the model. */
const named = <const Name extends string>(name: Name) => ({ key: name, flag: name, field: name });

/** The rules of a proxy or an HTTP stage. */
export const ruleSettings = [
  { kind: 'rules', ...named('allow'), summary: 'allow these targets and no others: PATTERN[:PORTS]' },
  { kind: 'rules', ...named('deny'), summary: 'deny these targets, whatever --allow says' },
] as const satisfies readonly StageSetting[];

/** The settings that only a proxy has, in the order of files. */
export const proxySettings = [
  {
    kind: 'switch',
    ...named('open'),
    summary: 'let everyone use it, also on an address that is not loopback',
    listed: 'who',
  },
  {
    kind: 'choice',
    key: 'proxy-protocol',
    flag: 'proxy-protocol',
    field: 'proxyProtocol',
    summary: 'tell each target who its client is, before the first byte, in the PROXY protocol',
    values: ['v1', 'v2'],
    value: 'VERSION',
    listed: 'running',
  },
  {
    kind: 'duration',
    key: 'resume',
    flag: 'resume',
    field: 'resumeMs',
    summary: 'keep tunnels whose connection is cut for so long, if the client asks for it (resume=10m)',
    listed: 'running',
  },
  {
    kind: 'path-prefix',
    key: 'path-prefix',
    flag: 'path-prefix',
    field: 'pathPrefix',
    summary: 'the path in front of tunnels that are asked for by a path, as WebSockets are',
    usual: usualPathPrefix,
    listed: 'accepts',
  },
  {
    kind: 'choice',
    key: 'statuses',
    field: 'statuses',
    summary: 'whose statuses refusals have: those of serve, or of Envoy, for which a target that is away is a 503',
    values: ['serve', 'envoy'],
    usual: 'serve',
    listed: 'running',
  },
] as const satisfies readonly (StageSetting & Listed)[];

/** The word of `accept` for plain requests, which `serve` has unless it is told otherwise. */
export const plainSwitch = {
  name: 'plain',
  summary: 'refuse plain http:// requests, and open tunnels only',
} as const;

/** The settings that stages of every kind have. */
export const stageSettings = [
  {
    kind: 'choice',
    key: 'accept-proxy-protocol',
    field: 'acceptProxyProtocol',
    summary: 'believe the PROXY header before the first byte, in v1 or v2: it says who the client is',
    values: ['required', 'optional'],
  },
] as const satisfies readonly StageSetting[];

/** The number of retries; files can set more details. */
export const retrySetting = {
  kind: 'count',
  key: 'retry',
  flag: 'retry',
  field: 'retries',
  summary: 'dial again up to N times, waiting longer each time, before anything was relayed',
  what: 'a number of retries',
  max: 9999,
} as const satisfies StageSetting;

/** The address family; on the command line each value has its own option. */
export const familySetting = {
  kind: 'choice',
  key: 'family',
  field: 'family',
  summary: 'use this version of IP only',
  values: [4, 6],
} as const satisfies StageSetting;

/**
 * The resolver for names: the system or the name servers. Default: only the name servers if clients choose the target;
 * for a fixed target the system too, as ssh does.
 */
export const resolverSetting = {
  kind: 'choice',
  ...named('resolver'),
  summary: 'whom to ask for names',
  values: ['system', 'dns'],
  value: 'WHO',
  fallback: 'both, as ssh does',
  serveFallback: 'the name servers alone',
} as const satisfies StageSetting;

/** The settings of a route that have the same form in files and in the model. */
export const routeSettings = [
  familySetting,
  resolverSetting,
  {
    kind: 'ip',
    key: 'source-address',
    field: 'sourceAddress',
    summary: 'open connections from this IP address of the machine',
  },
  {
    kind: 'choice',
    key: 'send-proxy-protocol',
    field: 'sendProxyProtocol',
    summary: 'say who the client is on every connection that is opened, before anything else, in the PROXY protocol',
    values: ['v1', 'v2'],
  },
] as const satisfies readonly StageSetting[];

/** The type of a setting in the model; limits and caps are numbers. */
type ValueOf<Row> = Row extends { values: readonly (infer Value)[] }
  ? Exclude<Value, Row extends { usual: infer Usual } ? Usual : never>
  : Row extends { kind: keyof Plain }
    ? Plain[Row['kind']]
    : number;

interface Plain {
  readonly switch: boolean;
  readonly rules: readonly string[];
  readonly names: readonly string[];
  readonly file: string;
  readonly ip: string;
  readonly socket: string;
  readonly 'path-prefix': string;
  readonly count: number;
  /** In milliseconds. */
  readonly duration: number;
}

/** The fields of some settings in the model; absent without a value. */
export type ValuesOf<Rows extends readonly Setting[]> = {
  readonly [Row in Rows[number] as Row['field']]?: ValueOf<Row>;
};

/** The rules of a proxy or an HTTP stage; the lists may be empty. */
export type Rules = Required<ValuesOf<typeof ruleSettings>>;
/** The values of the settings that only a proxy has. */
export type ProxyValues = ValuesOf<typeof proxySettings>;
/** The values of the settings that stages of every kind have. */
export type StageValues = ValuesOf<typeof stageSettings>;
/** The values of the settings of a route, without its limits. */
export type RouteValues = ValuesOf<readonly [typeof retrySetting, ...typeof routeSettings]>;

/**
 * Collects the values of some settings by their fields, without default values of choices.
 * @param read returns the value of one setting, or undefined if it has none
 */
export function collectValues<Rows extends readonly Setting[]>(
  rows: Rows,
  read: (setting: Rows[number]) => unknown,
): ValuesOf<Rows> {
  const given = rows.flatMap((setting) => {
    const value = read(setting);
    return value === undefined || ('usual' in setting && value === setting.usual) ? [] : [[setting.field, value]];
  });
  return Object.fromEntries(given) as ValuesOf<Rows>;
}
