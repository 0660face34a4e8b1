import fc from 'fast-check';
import type { Screen, ScreenRule, TextMatch } from '../../../src/chain/model/graph.ts';

const text = fc.record({
  kind: fc.constantFrom<TextMatch['kind'][]>('exact', 'prefix', 'suffix', 'contains', 'regex'),
  value: fc.constantFrom('a', 'ab', '/a', 'b|a.*', 'red'),
});

const flip = fc.constantFrom({}, { invert: true });

/** Rules about requests. */
const ofRequests: readonly fc.Arbitrary<ScreenRule>[] = [
  fc.record({ kind: fc.constant('path' as const), text }),
  fc
    .tuple(fc.constantFrom('x-a', 'x-b', ':method', ':authority'), fc.option(text, { nil: undefined }), flip)
    .map(([name, value, invert]): ScreenRule => ({
      kind: 'field',
      field: { name, ...(value && { value }), ...invert },
    })),
];

const ports = fc.constantFrom<ScreenRule[]>(
  { kind: 'port', first: 443, last: 443 },
  { kind: 'port', first: 1, last: 65_535 },
  { kind: 'port', first: 8000, last: 8099 },
);
const ranges = fc.constantFrom('127.0.0.0/8', '10.0.0.0/8', '::1/128', '0.0.0.0/0');
const reached = fc.record({ kind: fc.constant('reached' as const), range: ranges });
const clients = fc.record({ kind: fc.constant('client' as const), range: ranges });
const identities = fc.option(text, { nil: undefined }).map((name): ScreenRule => ({
  kind: 'identity',
  ...(name && { text: name }),
}));

/** Joins rules in all ways, up to three levels. */
function nest(leaves: readonly fc.Arbitrary<ScreenRule>[]): fc.Arbitrary<ScreenRule> {
  const { rule } = fc.letrec<{ rule: ScreenRule }>((tie) => ({
    rule: fc.oneof(
      { maxDepth: 2, depthSize: 'small' },
      fc.oneof(fc.constant<ScreenRule>({ kind: 'any' }), ...leaves),
      tie('rule').map((inner): ScreenRule => ({ kind: 'not', rule: inner })),
      fc
        .tuple(fc.constantFrom('all' as const, 'some' as const), fc.array(tie('rule'), { minLength: 1, maxLength: 3 }))
        .map(([kind, rules]): ScreenRule => ({ kind, rules })),
    ),
  }));
  return rule;
}

function makeScreens(
  what: fc.Arbitrary<ScreenRule>,
  who: fc.Arbitrary<ScreenRule>,
  length: { readonly minLength: number; readonly maxLength: number },
): fc.Arbitrary<readonly Screen[]> {
  const some = (rule: fc.Arbitrary<ScreenRule>) => fc.array(rule, { minLength: 1, maxLength: 2 });
  const policy = fc.record({ what: some(what), who: some(who) });
  const screen = fc
    .tuple(fc.constantFrom('allow' as const, 'deny' as const), fc.array(policy, { maxLength: 2 }))
    .map(([action, policies]): Screen => ({
      action,
      policies: policies.map((each, index) => ({ name: `policy-${index}`, ...each })),
    }));
  return fc.array(screen, length);
}

const requestRule = nest(ofRequests);

/** Generates screens for requests that judge by nothing but the request. */
export const requestScreens = makeScreens(requestRule, requestRule, { minLength: 1, maxLength: 2 });

/** Generates screens for the requests of a route, or none. */
export const routeScreens = makeScreens(requestRule, requestRule, { minLength: 0, maxLength: 2 });

/** Generates screens for connections from IP addresses. */
export const connectionScreens = makeScreens(nest([ports, reached]), nest([clients, identities]), {
  minLength: 1,
  maxLength: 2,
});

/** Generates screens that judge by all that a request and its connection have. */
export const mixedScreens = makeScreens(
  nest([...ofRequests, ports, reached]),
  nest([...ofRequests, clients, identities]),
  { minLength: 1, maxLength: 2 },
);
