import * as z from 'zod';
import { listed } from '../../syntax/text.ts';
import { http } from './http/schema.ts';
import { accessLog } from './log/access-log.ts';
import { screens } from './screens/schema.ts';
import { state } from './state/state.ts';
import { proxySettings, stageSettings } from '../../syntax/stage-settings.ts';
import { targetTls } from './target-tls.ts';
import { listenerTlsSettings } from '../../syntax/listener/tls.ts';
import {
  describe,
  flag,
  keyPassword,
  must,
  oneOrMore,
  policyShape,
  settingsShape,
  text,
  wayShape,
} from './schema-parts.ts';

const { via: _via, to: _to, balance: _balance, ...defaults } = wayShape;

const { cert, key, ...tlsFiles } = settingsShape(listenerTlsSettings);
const tls = z.strictObject({ cert, key, 'key-password': keyPassword, ...tlsFiles });
const proxy = z.strictObject({
  accept: describe(
    oneOrMore(text, 'a name').optional(),
    'what it takes beside CONNECT, or instead of it: plain, post, hbone, …',
  ),
  ...policyShape,
  ...settingsShape(proxySettings),
});
const stage = z.strictObject(
  {
    listen: describe(
      oneOrMore(z.union([z.int(), text], must('an address')), 'an address').optional(),
      '[BIND:]PORT, unix:PATH, fd:N or internal://NAME; socks:, http: or any: before it makes the stage a proxy that speaks SOCKS, HTTP or both; without it internal:// and the name of the stage',
    ),
    tls: describe(
      z.union([z.literal(true), tls], must('true, or cert, key and client-ca')).optional(),
      'speak TLS with clients',
    ),
    proxy: describe(
      z.union([z.literal(true), z.null(), proxy], must('true, or the settings of a proxy')).optional(),
      'end the tunnels that arrive, and go on to what they ask for',
    ),
    http: describe(
      http.optional(),
      'look at each HTTP request: answer it, send it on, or end the tunnel that it opens',
    ),
    screens: describe(
      screens.optional(),
      'what connections must pass, before anything is read or dialled for them; not for a proxy, which has rules',
    ),
    ...wayShape,
    ...settingsShape(stageSettings),
    'to-tls': describe(
      targetTls.optional(),
      'speak TLS with the target: true, or its settings; to: tls://HOST:PORT says that too',
    ),
    state: describe(
      state.optional(),
      'values for each connection, or each request of http, by name; %FILTER_STATE(NAME:PLAIN)% reads them',
    ),
    open: describe(
      flag.optional(),
      'let everyone choose the target by the server name that they ask for, also on an address that is not loopback',
    ),
    log: describe(flag.optional(), 'write a record of its own for each tunnel'),
    'access-log': describe(
      oneOrMore(accessLog, 'a file, or path with format, when and at,').optional(),
      'where a line for each tunnel or request is written',
    ),
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
    'internal-buffer': describe(
      z.union([z.int(), text], must('a size such as 256KiB')).optional(),
      'how much each internal:// listener holds in each direction, from 1KiB to 8MiB',
    ),
    defaults: describe(
      z.strictObject(defaults, must(listed(Object.keys(defaults)))).optional(),
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
export type FileConfig = z.infer<typeof file>;
/** A stage in a file. */
export type StageConfig = z.infer<typeof stage>;

/** The most lists, one in the other, that stand where a value should, or the reverse. */
const maxRepairs = 4;

/** A violation of the schema. */
export type Issue = z.core.$ZodIssue;

/** Checks the content of a file against the schema. */
export function checkForm(
  value: unknown,
  repairs = maxRepairs,
): { readonly words: FileConfig } | { readonly issues: readonly Issue[] } {
  const outcome = file.safeParse(value);
  if (outcome.success) return { words: outcome.data };
  const { issues } = outcome.error;
  const repaired = repairs > 0 ? repairLists(value, issues) : undefined;
  if (repaired === undefined) return { issues };
  const next = checkForm(repaired, repairs - 1);
  return 'words' in next || next.issues.length < issues.length ? next : { issues };
}

/** Lists an issue and those of the forms that a value could have. */
function listIssues(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const inner = issue.errors.flat().map((each) => ({ ...each, path: [...issue.path, ...each.path] }) as Issue);
  return [issue, ...inner.flatMap(listIssues)];
}

/** Makes one value of a list with one item where a value should stand, and the reverse; undefined if there is none. */
function repairLists(value: unknown, issues: readonly Issue[]): unknown {
  const copy = { file: structuredClone(value) };
  const repairs = issues.flatMap(listIssues).map((issue) => {
    const steps = ['file', ...issue.path];
    const key = steps.pop() as PropertyKey;
    const holder = steps.reduce<unknown>((part, step) => (part as Record<PropertyKey, unknown>)?.[step], copy);
    if (typeof holder !== 'object' || holder === null) return false;
    const parts = holder as Record<PropertyKey, unknown>;
    const written = parts[key];
    if (Array.isArray(written) && written.length === 1) [parts[key]] = written as unknown[];
    else if (issue.code === 'invalid_type' && issue.expected === 'array' && written !== undefined) {
      parts[key] = [written];
    } else return false;
    return true;
  });
  return repairs.includes(true) ? copy.file : undefined;
}

/** Lists the keys that a schema allows at a position in a file, by default that of `chain`. */
export function listKeys(path: readonly PropertyKey[], whole: z.core.$ZodType = file): readonly string[] {
  const places = path.reduce<readonly z.core.$ZodType[]>(
    (schemas, step) => schemas.flatMap((schema) => enter(schema, step)),
    [whole],
  );
  return [...new Set(places.flatMap(unfold).flatMap((schema) => Object.keys(isObject(schema) ? schema.shape : {})))];
}

/** Returns the schemas for the value of a key or an index. */
function enter(schema: z.core.$ZodType, step: PropertyKey): readonly z.core.$ZodType[] {
  return unfold(schema).flatMap((form): readonly z.core.$ZodType[] => {
    if (isObject(form)) return form.shape[String(step)] ? [form.shape[String(step)] as z.ZodType] : [];
    if (form instanceof z.ZodRecord) return [form.valueType];
    return form instanceof z.ZodArray && typeof step === 'number' ? [form.element] : [];
  });
}

/** Lists the alternatives of a schema, without unions and `optional`. */
function unfold(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  if (schema instanceof z.ZodOptional) return unfold(schema.unwrap());
  return schema instanceof z.ZodUnion ? schema.options.flatMap(unfold) : [schema];
}

function isObject(schema: z.core.$ZodType): schema is z.ZodObject {
  return schema instanceof z.ZodObject;
}

/** Makes the JSON Schema of a file, for editors. */
export function makeJsonSchema(): object {
  const { $schema, ...schema } = z.toJSONSchema(file, { io: 'input', reused: 'ref' });
  return { $schema, title: 'The file of tunl chain -c', ...schema };
}
