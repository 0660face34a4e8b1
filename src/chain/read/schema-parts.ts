import { isIP } from 'node:net';
import * as z from 'zod';
import { type CapSetting, capSettings, type LimitSetting, limitSettings, maxCap } from '../../syntax/settings.ts';
import {
  type CountSetting,
  retrySetting,
  routeSettings,
  ruleSettings,
  type StageSetting,
} from '../../syntax/stage-settings.ts';

/** Adds a description to a schema, which editors show. */
export const describe = <T extends z.ZodType>(schema: T, description: string): T => schema.meta({ description });

/** Makes the error message for a value that does not fit a schema. */
export const must = (what: string) => ({ error: `must be ${what}` });

/** A text that is not empty. */
export const text = z.string(must('a text')).min(1, must('a text that is not empty'));
/** A boolean. */
export const flag = z.boolean(must('true or false'));
/** Makes the schema of one item or a list of them. */
export const oneOrMore = <T extends z.ZodType>(item: T, what: string) =>
  z.union([item, z.array(item).min(1, must(`${what} or a list of them`))], must(`${what} or a list of them`));

/** A reference to the password of a key. */
export const keyPassword = describe(
  text.optional(),
  'where the password of the key is, if it is encrypted: ${NAME} or file:PATH',
);

/** A duration. */
export const time = z.union([z.literal(0), text], must('a duration such as 250ms, 5s, 1h or off'));
/** A cap. */
const count = z
  .int(must('a number from 1'))
  .min(1, must('a number from 1'))
  .max(maxCap, must(`at most ${maxCap}`));

/** Makes the optional keys for settings that share a schema. */
function shapeOf<Key extends string, T extends z.ZodType>(
  settings: readonly ((LimitSetting | CapSetting) & { readonly key: Key })[],
  schema: T,
): Record<Key, z.ZodOptional<T>> {
  const entries = settings.map((setting) => [setting.key, describe(schema.optional(), describeInFile(setting))]);
  return Object.fromEntries(entries) as Record<Key, z.ZodOptional<T>>;
}

/** Describes a setting in the schema of files, which names options by their keys. */
export function describeInFile(setting: LimitSetting | CapSetting | StageSetting): string {
  const summary = setting.summary.replace(/\bN\b/, 'so many');
  return `${summary}${describeFallback(setting)}`.replaceAll('--', '');
}

function describeFallback(setting: LimitSetting | CapSetting | StageSetting): string {
  if (!('fallback' in setting)) return '';
  const { fallback } = setting;
  if ('kind' in setting && setting.kind === 'file') return `; ${fallback} without`;
  const serveFallback = 'serveFallback' in setting ? setting.serveFallback : undefined;
  return `; ${fallback}${serveFallback === undefined ? '' : `, and ${serveFallback} for a proxy or http`}`;
}

function countOf({ what, max }: CountSetting) {
  return z
    .int(must(what))
    .min(0, must(what))
    .max(max, must(`at most ${max}`));
}

function schemaOf(setting: StageSetting): z.ZodType {
  switch (setting.kind) {
    case 'switch':
      return flag;
    case 'rules':
      return oneOrMore(text, 'a rule');
    case 'names':
      return oneOrMore(
        z.string().regex(/^(?:DNS|IP|URI):./, must('a name such as DNS:a.example')),
        'a name such as DNS:a.example',
      );
    case 'file':
    case 'socket':
    case 'path-prefix':
      return text;
    case 'ip':
      return text.refine((word) => isIP(word) !== 0, must('an IP address'));
    case 'count':
      return countOf(setting);
    case 'duration':
      return time;
    case 'choice':
      return z.literal(setting.values, must(setting.values.join(' or ')));
  }
}

/** The type of a setting in a file. */
type Written<Row> = Row extends { readonly values: readonly (infer Value)[] }
  ? Value
  : Row extends { readonly kind: keyof WrittenKinds }
    ? WrittenKinds[Row['kind']]
    : never;

interface WrittenKinds {
  readonly switch: boolean;
  readonly rules: string | string[];
  readonly file: string;
  readonly ip: string;
  readonly socket: string;
  readonly 'path-prefix': string;
  readonly count: number;
  readonly duration: string | 0;
}

/** The keys of some settings in a file. */
export type WrittenOf<Rows extends readonly StageSetting[]> = {
  readonly [Row in Rows[number] as Row['key']]?: Written<Row> | undefined;
};

/** Makes the optional keys of settings of several kinds. */
export function settingsShape<Rows extends readonly StageSetting[]>(
  settings: Rows,
): { readonly [Row in Rows[number] as Row['key']]: z.ZodOptional<z.ZodType<Written<Row>>> } {
  const entries = settings.map((setting) => [
    setting.key,
    describe(schemaOf(setting).optional(), describeInFile(setting)),
  ]);
  return Object.fromEntries(entries) as ReturnType<typeof settingsShape<Rows>>;
}

/** The keys for users, rules and caps, the same for a proxy and for an HTTP stage. */
export const policyShape = {
  users: describe(
    z.union([text, z.record(text, text)], must('an htpasswd file, or one user with where the password is')).optional(),
    'a file with lines of htpasswd or htdigest, or one user: { NAME: ${VARIABLE} }',
  ),
  ...settingsShape(ruleSettings),
  ...shapeOf(capSettings, count),
};

const limits = z.strictObject(shapeOf(limitSettings, time), must('limits by name, such as { idle: 1h }'));

const times = countOf(retrySetting);
const retry = z.union(
  [
    times,
    z.strictObject({
      times: describe(times, 'how often'),
      base: describe(
        text.optional(),
        'wait at most so long before the first retry, and up to twice as long before each further one',
      ),
      max: describe(text.optional(), 'and never longer than this; ten times the base'),
      on: describe(
        z.enum(['passing', 'any'], must('passing or any')).optional(),
        'which failures: those that may pass, or any',
      ),
    }),
  ],
  must('a number of retries, or times with base, max and on'),
);

/** Header fields by name. */
export const headers = z.record(text, oneOrMore(z.string(must('a text')), 'a text'), must('headers by name'));
const hop = z.strictObject(
  {
    url: describe(text, 'the URL of the proxy'),
    password: describe(text.optional(), 'where the password of its user is: ${NAME} or file:PATH'),
    'key-password': keyPassword,
    headers: describe(headers.optional(), 'fields to send to it'),
    formats: describe(
      headers.optional(),
      'fields to send to it whose operators, such as %DOWNSTREAM_LOCAL_PORT%, are filled in for each tunnel',
    ),
  },
  must('a URL, or url with password, headers and formats'),
);
const place = z.union([text, hop], must('a URL, or url with password, headers and formats'));
const alternatives = z.strictObject({
  any: describe(z.array(place).min(1, must('a list of proxies')), 'proxies of which one is taken'),
  balance: describe(
    z.enum(['first', 'round-robin'], must('first or round-robin')).optional(),
    'which: the first that works, or each in turn',
  ),
});

/** The keys of a route and its targets, which are the same for stages and upstreams. */
export const wayShape = {
  via: describe(
    oneOrMore(
      z.union(
        [text, hop, alternatives],
        must('a URL, or url with password, headers and formats, or any with alternatives'),
      ),
      'a proxy',
    ).optional(),
    'the way: proxies, the nearest first; a|b are alternatives; internal://NAME first leads through a stage',
  ),
  to: describe(
    oneOrMore(text, 'a target').optional(),
    'HOST:PORT, tls://HOST:PORT, unix:PATH or internal://NAME; behind a proxy also a text with operators, %REQUESTED_SERVER_NAME%:443',
  ),
  balance: describe(
    z.enum(['first', 'round-robin'], must('first or round-robin')).optional(),
    'which of several targets',
  ),
  limits: limits.optional(),
  retry: describe(retry.optional(), describeInFile(retrySetting)),
  ...settingsShape(routeSettings),
};

/** A set of limits in a file. */
export type LimitsConfig = z.infer<typeof limits>;
/** The retry settings of a route in a file. */
export type RetryConfig = z.infer<typeof retry>;
/** One place of a route in a file: a hop or several alternatives. */
export type TargetConfig = z.infer<typeof place> | z.infer<typeof alternatives>;
/** A hop in a file, with the settings that its URL cannot contain. */
export type HopConfig = z.infer<typeof hop>;

const policyObject = z.strictObject(policyShape);
/** An access policy in a file. */
export type PolicyWords = z.infer<typeof policyObject>;

const wayObject = z.strictObject(wayShape);
/** A route and its targets in a file. */
export type ExitConfig = z.infer<typeof wayObject>;
