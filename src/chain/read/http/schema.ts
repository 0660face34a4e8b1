import * as z from 'zod';
import { tests } from '../log/tests.ts';
import { anyText, type condition, conditions } from '../screens/conditions.ts';
import { routeScreens, screens } from '../screens/schema.ts';
import { describe, flag, must, oneOrMore, policyShape, text, time, wayShape } from '../schema-parts.ts';
import { targetTls } from '../target-tls.ts';

const bodyForm = {
  format: describe(
    z.union([anyText, z.record(text, anyText)], must('a text, or the members of an object')).optional(),
    'how the body is written: a text with operators, of which %LOCAL_REPLY_BODY% is the body as it is, or the members of a JSON object',
  ),
  'content-type': describe(
    text.optional(),
    'the type of what format writes; text/plain, and application/json for an object',
  ),
  'omit-missing': describe(
    flag.optional(),
    'let format write nothing for an operator without a value, in place of - or null',
  ),
};
const bodyFormObject = z.strictObject(bodyForm);

const answer = z.union(
  [
    z.int(),
    text,
    z.strictObject({
      status: describe(z.int(must('a status')), 'from 200 to 599'),
      body: describe(anyText.optional(), 'what follows'),
      ...bodyForm,
    }),
  ],
  must('a status such as 404, a status with a text such as 200 ok, or status and body'),
);

const rewrite = z.strictObject(
  {
    host: describe(text.optional(), 'the new host'),
    'host-field': describe(text.optional(), 'the field of the request that has the new host'),
    'host-of-target': describe(
      z.literal(true, must('true')).optional(),
      'the new host is that of the target, if it has a name',
    ),
    prefix: describe(text.optional(), 'this replaces the prefix that fitted, or else the whole path'),
    regex: describe(
      text.optional(),
      'all parts of the path that fit this pattern, in the syntax of RE2, are replaced by with',
    ),
    with: describe(anyText.optional(), 'what replaces what fits regex; \\1 to \\9 are its groups'),
  },
  must('host, host-field, host-of-target, prefix, or regex and with'),
);

const fieldValue = z.union(
  [
    anyText,
    z.strictObject({
      value: describe(anyText, 'the value, with operators such as %REQ(x-a)%'),
      'keep-empty': describe(flag.optional(), 'write the field even if its value is empty'),
    }),
  ],
  must('a text, or value and keep-empty'),
);
const fieldValues = (description: string) =>
  describe(
    z.record(text, oneOrMore(fieldValue, 'a value'), must('values by the name of a field')).optional(),
    description,
  );
const writtenFields = {
  set: fieldValues('write these fields in the place of those that are there'),
  'set-present': fieldValues('the same, but only for fields that are there'),
  add: fieldValues('write these fields beside those that are there'),
  'add-absent': fieldValues('write these fields where there are none of the name'),
};
const change = z.strictObject(
  {
    remove: describe(oneOrMore(text, 'the name of a field').optional(), 'remove these fields first'),
    ...writtenFields,
  },
  must('remove, set, set-present, add or add-absent'),
);
const changes = {
  'request-headers': describe(
    change.optional(),
    'change the fields of requests; all values are made before the first is written',
  ),
  'response-headers': describe(change.optional(), 'change the fields of answers, those of refusals included'),
};
const answers = z.strictObject(
  {
    changes: describe(
      z
        .array(
          z.strictObject({
            when: describe(
              oneOrMore(tests, 'conditions').optional(),
              'change answers that meet all of these conditions, or all of one item of a list; all answers without',
            ),
            status: describe(z.int(must('a status')).optional(), 'the new status, from 200 to 599'),
            body: describe(anyText.optional(), 'the new body'),
            'body-file': describe(text.optional(), 'a file with the new body'),
            ...bodyForm,
            ...writtenFields,
          }),
          must('a list of changes'),
        )
        .optional(),
      'the first that fits an answer is made, and no other',
    ),
    ...bodyForm,
  },
  must('changes, or format'),
);
const redirect = z.strictObject(
  {
    status: describe(
      z.literal([301, 302, 303, 307, 308], must('301, 302, 303, 307 or 308')).optional(),
      '301, 302, 303, 307 or 308; 301',
    ),
    scheme: describe(text.optional(), 'the new scheme'),
    host: describe(text.optional(), 'the new host'),
    port: describe(z.int(must('a port')).optional(), 'the new port'),
    path: describe(text.optional(), 'the new path'),
    prefix: describe(text.optional(), 'this replaces the prefix that fitted, or else the whole path'),
    query: describe(z.literal(false, must('false')).optional(), 'leave the query out'),
  },
  must('scheme, host, port, path or prefix, and status'),
);

const route = z.strictObject(
  {
    path: describe(anyText.optional(), 'fits this path alone, whatever the query'),
    prefix: describe(anyText.optional(), 'fits paths that begin with this; / without path, prefix, regex and connect'),
    regex: describe(anyText.optional(), 'fits paths that this pattern, in the syntax of RE2, fits as a whole'),
    connect: describe(z.literal(true, must('true')).optional(), 'fits CONNECT, and nothing else'),
    method: describe(oneOrMore(text, 'a method').optional(), 'fits these methods alone'),
    headers: describe(
      conditions.optional(),
      'what the fields of the request must be: a text, true for any, false for none, or { prefix: … }, { not: … }, …',
    ),
    answer: describe(answer.optional(), 'give this answer: 404, 200 ok, or status and body'),
    redirect: describe(
      redirect.optional(),
      'send clients elsewhere: to the address of their request with these changes',
    ),
    to: describe(
      oneOrMore(text, 'an upstream or a target').optional(),
      'send requests on: the name of an upstream, HOST:PORT, unix:PATH, internal://NAME or field:NAME',
    ),
    'tunnel-to': describe(
      oneOrMore(text, 'an upstream or a target').optional(),
      'send the bytes inside the tunnel on: the name of an upstream, HOST:PORT, internal://NAME, field::authority, …',
    ),
    upgrade: describe(
      z.union([text, z.array(text)], must('a protocol or a list of them')).optional(),
      'protocols that clients may switch to, such as websocket, and connect for CONNECT itself; with answer those that get it too',
    ),
    timeout: describe(time.optional(), 'limit for the whole answer, once the request has ended; off'),
    idle: describe(time.optional(), 'end what moves nothing for so long; idle of the stage'),
    lifetime: describe(time.optional(), 'end what is so old, even if it is busy; lifetime of the stage'),
    post: describe(flag.optional(), 'take tunnels in POST requests too'),
    screens: describe(
      routeScreens.optional(),
      'what requests must pass instead of the screens of the stage; [] for nothing',
    ),
    ...changes,
    rewrite: describe(rewrite.optional(), 'change the request, before the upstream is chosen by its fields'),
    'proxy-protocol': describe(
      z.enum(['v1', 'v2'], must('v1 or v2')).optional(),
      'tell the upstream who the client is, before the first byte',
    ),
  },
  must('a route, such as { prefix: /, to: HOST:PORT }'),
);
const routes = z.array(route, must('a list of routes'));

const host = z.union(
  [
    routes,
    z.strictObject({
      domains: describe(oneOrMore(text, 'a domain').optional(), 'the hosts, where its name is none'),
      routes: describe(routes, 'the first that fits is taken'),
      ...changes,
    }),
  ],
  must('a list of routes, or domains and routes'),
);

const hosts = z.record(text, host, must('routes by host'));

const upstream = z.union(
  [
    oneOrMore(text, 'a target'),
    z.strictObject({
      ...wayShape,
      to: describe(oneOrMore(text, 'a target'), 'HOST:PORT, unix:PATH, internal://NAME, or field:NAME of the request'),
      names: describe(
        flag.optional(),
        'with field:NAME take names too, not only IP addresses; without a port it is 80, with tls 443',
      ),
      http2: describe(flag.optional(), 'write requests in HTTP/2'),
      tls: describe(targetTls.optional(), 'speak TLS with it'),
    }),
  ],
  must('a target, or to with via, http2, tls, limits, …'),
);

/** The schema of the `http` settings of a stage. */
export const http = z.strictObject(
  {
    codec: describe(
      z.enum(['auto', 'http1', 'http2'], must('auto, http1 or http2')).optional(),
      'which version clients speak; both, told apart by their first bytes',
    ),
    ...policyShape,
    screens: describe(screens.optional(), 'what requests must pass, before they go anywhere'),
    ...changes,
    'routes-change-last': describe(
      flag.optional(),
      'change headers for the stage first and for the route last, so that the route wins; without it is the reverse',
    ),
    answers: describe(
      answers.optional(),
      'what is changed in the answers of the stage itself: in refusals, and in those of answer and redirect',
    ),
    open: describe(
      flag.optional(),
      'let everyone choose where a field:NAME leads to, also on an address that is not loopback',
    ),
    routes: describe(routes.optional(), 'what is done with requests for every host; the first that fits is taken'),
    hosts: describe(
      hosts.optional(),
      'routes by host: a.example.com, a.example.com:8080, *.example.com, www.* or *; a CONNECT always names a port: HOST:PORT, HOST:* or *',
    ),
    'ignore-port': describe(flag.optional(), 'compare hosts with requests as if these named no port'),
    'strip-port': describe(
      z.enum(['any', 'reached'], must('any or reached')).optional(),
      'cut the port off the host of requests: any one, or the one that the client has reached',
    ),
    host: describe(hosts.optional(), 'the same as hosts'),
    upstreams: describe(
      z.record(text, upstream, must('upstreams by name')).optional(),
      'what several routes lead to, or what needs via, tls, http2, limits, …',
    ),
  },
  must('routes or hosts'),
);

/** The `http` settings of a stage in a file. */
export type HttpConfig = z.infer<typeof http>;
/** A route of an HTTP stage in a file. */
export type HttpRouteConfig = z.infer<typeof route>;
/** What is changed in the fields of requests and answers in a file. */
export type ChangesConfig = Pick<HttpConfig, 'request-headers' | 'response-headers'>;
/** What is changed in fields in a file. */
export type ChangeConfig = z.infer<typeof change>;
/** The value of a field in a file. */
export type ValueConfig = z.infer<typeof fieldValue>;
/** A virtual host in a file. */
export type VirtualHostConfig = z.infer<typeof host>;
/** An upstream in a file. */
export type UpstreamConfig = z.infer<typeof upstream>;
/** What is changed in the answers of a stage in a file. */
export type AnswersConfig = z.infer<typeof answers>;
/** The form of a body in a file. */
export type BodyFormConfig = z.infer<typeof bodyFormObject>;
/** A condition on a field of a request in a file. */
export type ConditionConfig = z.infer<typeof condition>;
