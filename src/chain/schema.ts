import * as z from 'zod';

const describe = <T extends z.ZodType>(schema: T, description: string): T => schema.meta({ description });

/** What a value must be, where the parts of a union say it less well. */
const must = (what: string) => ({ error: `must be ${what}` });

const text = z.string(must('a text')).min(1, must('a text that is not empty'));
const flag = z.boolean(must('true or false'));
const oneOrMore = <T extends z.ZodType>(item: T, what: string) =>
  z.union([item, z.array(item).min(1, must(`${what} or a list of them`))], must(`${what} or a list of them`));

const time = z.union([z.literal(0), text], must('a duration such as 250ms, 5s, 1h or off'));
const limits = z.strictObject(
  {
    dns: describe(time.optional(), 'limit for resolving a name; 5s'),
    connect: describe(time.optional(), 'limit for the TCP connection; 10s'),
    tls: describe(time.optional(), 'limit for each TLS handshake; 10s'),
    handshake: describe(time.optional(), "limit for each proxy's answer; 15s"),
    idle: describe(time.optional(), 'end a tunnel that moves nothing for so long; off, and 1h for a proxy'),
    linger: describe(time.optional(), 'wait so long without progress once one direction has ended; 60s'),
  },
  must('limits by name, such as { idle: 1h }'),
);
const retry = z.int(must('a number of retries')).min(0, must('a number of retries')).max(9999, must('at most 9999'));
const count = z.int(must('a number from 1')).min(1, must('a number from 1')).max(1_000_000, must('at most 1000000'));
const family = z.literal([4, 6], must('4 or 6'));

const hop = z.strictObject(
  {
    url: describe(text, 'the URL of the proxy'),
    password: describe(text.optional(), 'where the password of its user is: ${NAME} or file:PATH'),
    headers: describe(
      z.record(text, oneOrMore(z.string(must('a text')), 'a text'), must('headers by name')).optional(),
      'fields to send to it',
    ),
  },
  must('a URL, or url with password and headers'),
);
const place = z.union([text, hop], must('a URL, or url with password and headers'));
const alternatives = z.strictObject({
  any: describe(z.array(place).min(1, must('a list of proxies')), 'proxies that are tried in turn'),
});
const via = oneOrMore(
  z.union([text, hop, alternatives], must('a URL, or url with password and headers, or any with alternatives')),
  'a proxy',
);

const tls = z.strictObject({
  cert: describe(text.optional(), 'certificate, a PEM file; a development certificate without'),
  key: describe(text.optional(), 'its key, a PEM file; the file of cert without'),
  'client-ca': describe(text.optional(), 'only clients with a certificate of these authorities'),
});
const proxy = z.strictObject({
  accept: describe(
    oneOrMore(text, 'a name').optional(),
    'what it takes beside CONNECT, or instead of it: post, hbone, …',
  ),
  users: describe(
    z.union([text, z.record(text, text)], must('an htpasswd file, or one user with where the password is')).optional(),
    'an htpasswd file, or one user: { NAME: ${VARIABLE} }',
  ),
  allow: describe(oneOrMore(text, 'a rule').optional(), 'allow these targets and no others: PATTERN[:PORTS]'),
  deny: describe(oneOrMore(text, 'a rule').optional(), 'deny these targets, whatever allow says'),
  open: describe(flag.optional(), 'let everyone use it, also on an address that is not loopback'),
  'max-tunnels': describe(count.optional(), 'at most so many tunnels at a time; more are refused with 503'),
  'max-tunnels-per-client': describe(count.optional(), 'at most so many from one address; of IPv6 from one /64'),
  'max-tunnels-per-session': describe(
    count.optional(),
    'at most so many in one HTTP/2 connection, which clients are told',
  ),
  'proxy-protocol': describe(
    z.enum(['v1', 'v2'], must('v1 or v2')).optional(),
    'tell each target who its client is, before the first byte',
  ),
});

const stage = z.strictObject(
  {
    listen: describe(
      oneOrMore(z.union([z.int(), text], must('an address')), 'an address').optional(),
      '[BIND:]PORT, unix:PATH, fd:N or internal://NAME; without it internal:// and the name of the stage',
    ),
    tls: describe(
      z.union([z.literal(true), tls], must('true, or cert, key and client-ca')).optional(),
      'speak TLS with clients',
    ),
    proxy: describe(
      z.union([z.literal(true), z.null(), proxy], must('true, or the settings of a proxy')).optional(),
      'end the tunnels that arrive, and go on to what they ask for',
    ),
    via: describe(
      via.optional(),
      'the way: proxies, the nearest first; a|b are alternatives; internal://NAME first leads through a stage',
    ),
    to: describe(oneOrMore(text, 'a target').optional(), 'HOST:PORT, unix:PATH or internal://NAME'),
    balance: describe(
      z.enum(['first', 'round-robin'], must('first or round-robin')).optional(),
      'which of several targets',
    ),
    limits: limits.optional(),
    retry: describe(retry.optional(), 'dial again so often, before anything was relayed'),
    family: describe(family.optional(), 'use this version of IP only'),
    log: describe(flag.optional(), 'write a record of its own for each tunnel'),
  },
  must('the keys of a stage, such as listen and to'),
);

const admin = z.strictObject({
  listen: describe(z.union([z.int(), text], must('an address')), '[BIND:]PORT, unix:PATH or fd:N'),
  open: describe(flag.optional(), 'let other machines reach it: its address is not loopback'),
});

const file = z.strictObject(
  {
    admin: describe(
      z.union([z.int(), text, admin], must('an address, or listen and open')).optional(),
      'where the process tells of itself and takes orders: [BIND:]PORT, unix:PATH or fd:N',
    ),
    defaults: describe(
      z
        .strictObject(
          { limits: limits.optional(), retry: retry.optional(), family: family.optional() },
          must('limits, retry and family'),
        )
        .optional(),
      'what holds for every stage that does not say otherwise',
    ),
    stages: describe(
      z.record(z.string().regex(/^[\w-]+(?:\.[\w-]+)*$/), stage, must('stages by name')),
      'stages by name; internal://NAME leads from one to another',
    ),
  },
  must('a file with stages'),
);

/** A file as it is written, once its form is known to be right. */
export type FileWords = z.infer<typeof file>;
/** One stage of it. */
export type StageWords = z.infer<typeof stage>;
/** One place on the way. */
export type PlaceWords = z.infer<typeof place> | z.infer<typeof alternatives>;
/** A proxy with what its URL does not say. */
export type HopWords = z.infer<typeof hop>;

/** Something about the form of a file that is not right. */
export type Issue = z.core.$ZodIssue;

/** Checks the form of a file. */
export function checkForm(value: unknown): { readonly words: FileWords } | { readonly issues: readonly Issue[] } {
  const outcome = file.safeParse(value);
  return outcome.success ? { words: outcome.data } : { issues: outcome.error.issues };
}

/** The keys that may stand at a place of a file, where it has any. */
export function listKeys(path: readonly PropertyKey[]): readonly string[] {
  const last = path.at(-1);
  if (path.length === 0) return Object.keys(file.shape);
  if (path.length === 1 && last === 'admin') return Object.keys(admin.shape);
  if (last === 'limits') return Object.keys(limits.shape);
  if (last === 'tls') return Object.keys(tls.shape);
  if (last === 'proxy') return Object.keys(proxy.shape);
  if (last === 'defaults') return ['limits', 'retry', 'family'];
  if (path.includes('via')) return [...Object.keys(hop.shape), ...(path.includes('any') ? [] : ['any'])];
  return path.length === 2 ? Object.keys(stage.shape) : [];
}

/** The JSON Schema of a file, for editors. */
export function makeJsonSchema(): object {
  const { $schema, ...schema } = z.toJSONSchema(file, { io: 'input', reused: 'ref' });
  return { $schema, title: 'The file of tunl chain -c', ...schema };
}
