import * as z from 'zod';
import type { HopSetting } from '../core/carrier.ts';
import { halfCloses } from '../core/hop.ts';
import { halfCloseName } from '../syntax/hop.ts';
import { passwordCommandName } from '../syntax/password-file.ts';
import { tlsNames, tlsSwitches } from '../syntax/tls.ts';
import type { FileKind } from '../chain/read/issues.ts';
import { type Issue, listKeys } from '../chain/read/schema.ts';
import { describe, flag, headers, keyPassword, must, oneOrMore, text } from '../chain/read/schema-parts.ts';

/** The settings of a proxy that stand in the query of a URL too: those of TLS and those of the carriers. */
type SettingShape = Record<string, z.ZodOptional<z.ZodType<string | boolean | number>>>;

const named = z.string().regex(/^[\w-]+(?:\.[\w-]+)*$/);
const proxyForm = 'a URL, @NAME, or url with settings';
const wayForm = `${proxyForm}, or a list of them`;
const forwardForm = 'a SPEC, a list of them, or spec with proxy';

const proxyShape = {
  url: describe(text, 'the URL of the proxy; a|b are alternatives'),
  user: describe(text.optional(), 'the user, if the URL has none; nothing in it is encoded'),
  password: describe(text.optional(), 'where the password of the user is: ${NAME} or file:PATH'),
  'key-password': keyPassword,
  headers: describe(headers.optional(), 'fields to send to it'),
};

/** A proxy as it is written, once its form is known to be right: its keys, and its settings by name. */
export type ProxyConfig = z.infer<z.ZodObject<typeof proxyShape>> &
  Readonly<Partial<Record<string, string | boolean | number | Record<string, string | string[]>>>>;
/** A way as it is written: proxies in travel order, each as a text or with settings. */
export type WayConfig = string | ProxyConfig | readonly (string | ProxyConfig)[];
/** A forward as it is written. */
export type ForwardConfig =
  | string
  | readonly string[]
  | { readonly spec: string | string[]; readonly proxy?: WayConfig };

/** The file as it is written, once its form is known to be right. */
export interface ConfigWords {
  readonly proxies?: Readonly<Record<string, WayConfig>>;
  readonly forwards?: Readonly<Record<string, ForwardConfig>>;
  readonly match?: Readonly<Record<string, WayConfig>>;
  readonly defaults?: { readonly proxy?: WayConfig };
}

/** The form of the file, with the settings that the carriers have. */
export class ConfigForm implements FileKind {
  readonly #schema: z.ZodType;
  /** The keys of a proxy that are settings of its URL. */
  readonly settings: readonly string[];

  constructor(carrierSettings: readonly HopSetting[]) {
    const settings = makeSettings(carrierSettings);
    this.settings = Object.keys(settings);
    this.#schema = makeSchema(settings);
  }

  /** Checks the content of a file. An empty file is right. */
  check(value: unknown): { readonly words: ConfigWords } | { readonly issues: readonly Issue[] } {
    const outcome = this.#schema.safeParse(value ?? {});
    return outcome.success ? { words: outcome.data as ConfigWords } : { issues: outcome.error.issues };
  }

  listKeys(path: readonly PropertyKey[]): readonly string[] {
    return listKeys(path, this.#schema);
  }

  describeNamed([section]: readonly PropertyKey[]): string {
    return section === 'forwards' ? 'forward' : 'proxy';
  }

  /** Makes the JSON Schema of the file, for editors. */
  makeJsonSchema(): object {
    const { $schema, ...schema } = z.toJSONSchema(this.#schema, { io: 'input', reused: 'ref' });
    return { $schema, title: 'The configuration of tunl, ~/.config/tunl/config.yaml', ...schema };
  }
}

function makeSettings(carrierSettings: readonly HopSetting[]): SettingShape {
  const ofTls = tlsNames
    .filter((name) => name !== 'key-password-file')
    .map((name) => [
      name,
      tlsSwitches.has(name) ? flag.optional() : describe(text.optional(), tlsSummaries[name] ?? name),
    ]);
  const value = z.union([text, flag, z.number()], must('a text, a number, or true'));
  const own = carrierSettings.map(({ name, summary, bare }) => [
    name,
    describe(
      (bare === undefined ? z.union([text, z.number()], must('a text or a number')) : value).optional(),
      summary,
    ),
  ]);
  return Object.fromEntries([
    [
      passwordCommandName,
      describe(text.optional(), 'a command whose first line is the password, run by sh -c when it is needed'),
    ],
    ...ofTls,
    [
      halfCloseName,
      describe(z.enum(halfCloses, must(halfCloses.join(', '))).optional(), 'when it is told that we send nothing more'),
    ],
    ...own,
  ]) as SettingShape;
}

const tlsSummaries: Readonly<Record<string, string>> = {
  cacert: 'trust the authorities in this PEM file instead of those of Node and the system',
  cert: 'our certificate, a PEM file, or PKCS #12 with its key',
  key: 'its key, a PEM file; the file of cert without',
  servername: "send and verify this name instead of the proxy's host",
  pin: 'accept this key only: sha256/BASE64URL',
  alpn: 'offer this protocol only: h2 or http/1.1',
};

function makeSchema(settings: SettingShape): z.ZodType {
  const proxy = z.strictObject({ ...proxyShape, ...settings }, must(proxyForm));
  const place = z.union([text, proxy], must(proxyForm));
  const way = oneOrMore(place, proxyForm);
  const forward = z.strictObject({
    spec: describe(oneOrMore(text, 'a SPEC'), 'what tunl forward takes: [BIND:]PORT:HOST:HOSTPORT, …'),
    proxy: describe(way.optional(), 'the way to its target, unless the command line names one; direct for none'),
  });
  return z.strictObject(
    {
      proxies: describe(
        z.record(named, way, must('proxies by name')).optional(),
        `proxies by name, for -x @NAME: ${wayForm} in travel order`,
      ),
      forwards: describe(
        z
          .record(
            named,
            z.union([text, z.array(text).min(1, must(forwardForm)), forward], must(forwardForm)),
            must('forwards by name'),
          )
          .optional(),
        `forwards by name, for tunl forward @NAME: ${forwardForm}`,
      ),
      match: describe(
        z.record(text, way, must('ways by target')).optional(),
        `ways by target, the first that fits: *.corp, db.corp:22, 10.0.0.0/8, …; direct, or ${wayForm}`,
      ),
      defaults: describe(
        z
          .strictObject(
            { proxy: describe(way.optional(), 'the way to targets for which nothing else names one') },
            must('defaults such as proxy'),
          )
          .optional(),
        'what holds where nothing else does',
      ),
    },
    must('a file with proxies, forwards, match and defaults'),
  );
}
