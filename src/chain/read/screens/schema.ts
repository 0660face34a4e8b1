import * as z from 'zod';
import { describe, must, oneOrMore, text } from '../schema-parts.ts';
import { anyText, comparison, conditions } from './conditions.ts';

const textCondition = z.union(
  [anyText, z.strictObject(comparison)],
  must('a text, or exact, prefix, suffix, contains or regex'),
);

/** A condition on a text in a file. */
export type TextConditionConfig = z.infer<typeof textCondition>;

interface CommonRuleConfig {
  headers?: z.infer<typeof conditions> | undefined;
  path?: TextConditionConfig | undefined;
}

/** A rule about what is asked for, or about who asks, in a file. Each has the keys of its side. */
export type RuleConfig =
  | 'any'
  | (CommonRuleConfig & {
      all?: RuleConfig[] | undefined;
      some?: RuleConfig[] | undefined;
      not?: RuleConfig | undefined;
      port?: string | number | undefined;
      reached?: string | undefined;
      'server-name'?: TextConditionConfig | undefined;
      client?: string | undefined;
      identity?: true | TextConditionConfig | undefined;
    });

const common = {
  headers: describe(conditions.optional(), 'what the fields of the request are, as in routes'),
  path: describe(textCondition.optional(), 'what the path of the request is, without its query'),
};

/** Makes the schema of the rules of one side. */
function makeRule(own: Readonly<Record<string, z.ZodType>>, keys: string): z.ZodType<RuleConfig> {
  const rules = () => z.array(rule, must('a list of rules')).min(1, must('a list of rules'));
  const form = z.strictObject({
    get all() {
      return describe(rules().optional(), 'all of these rules fit');
    },
    get some() {
      return describe(rules().optional(), 'one of these rules fits');
    },
    get not(): z.ZodType {
      return describe(rule.optional(), 'this rule does not fit');
    },
    ...common,
    ...own,
  });
  const rule: z.ZodType = z.union(
    [z.literal('any'), form],
    must(`any, or one of all, some, not, headers, path, ${keys}`),
  );
  return rule as z.ZodType<RuleConfig>;
}

const whatRule = makeRule(
  {
    port: describe(
      z.union([z.int(), text], must('a port such as 443, or 8000-8099')).optional(),
      'the port that the client has reached: 443, or 8000-8099',
    ),
    reached: describe(text.optional(), 'the address that the client has reached: 10.0.0.0/8'),
    'server-name': describe(textCondition.optional(), 'the name that the client asks for in TLS'),
  },
  'port, reached and server-name',
);

const whoRule = makeRule(
  {
    client: describe(text.optional(), 'the address of the client: 10.0.0.0/8'),
    identity: describe(
      z.union([z.literal(true), textCondition], must('true, or a text')).optional(),
      'a name in the certificate of the client: a URI, a host or its subject; true for everyone who speaks TLS',
    ),
  },
  'client and identity',
);

const policies = z.record(
  text,
  z.strictObject({
    what: describe(oneOrMore(whatRule, 'a rule').optional(), 'what is asked for: one of these fits; anything without'),
    who: describe(oneOrMore(whoRule, 'a rule').optional(), 'who asks: one of these fits; anyone without'),
  }),
  must('policies by name, each with what and who'),
);

const screen = z.strictObject(
  {
    allow: describe(policies.optional(), 'what fits one of these passes, and nothing else'),
    deny: describe(policies.optional(), 'what fits one of these does not pass, and everything else does'),
  },
  must('allow or deny'),
);

/** The schema of the screens of a route. */
export const routeScreens = z.array(screen, must('a list of screens'));
/** The schema of the screens of a stage. */
export const screens = oneOrMore(screen, 'a screen');

/** A screen in a file. */
export type ScreenConfig = z.infer<typeof screen>;
