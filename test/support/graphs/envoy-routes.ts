import fc from 'fast-check';
import { fieldChanges } from './field-changes.ts';
import { bodyForm } from './own-answers.ts';
import type { HttpAction, HttpRoute, Redirect, Rewrite } from '../../../src/chain/model/graph.ts';

/** Generates routes for requests to these upstreams. */
export function route(upstreams: readonly string[]): fc.Arbitrary<HttpRoute> {
  const upstream = fc.constantFrom(...upstreams);
  const idle = fc.constantFrom({}, { idleMs: 0 }, { idleMs: 60_000 }, { lifetimeMs: 0 }, { lifetimeMs: 1500 });
  const rewrite = fc.constantFrom<(Rewrite | undefined)[]>(
    undefined,
    { host: 'a.example:1', prefix: '/b' },
    { hostField: 'x-host', pattern: { regex: '^/(a+)', substitution: String.raw`/\1\\` } },
  );
  const action: fc.Arbitrary<HttpAction> = fc.oneof(
    fc
      .record({
        kind: fc.constant('answer' as const),
        status: fc.constantFrom(200, 404),
        body: fc.constantFrom('hi', 'a: b\n'),
        form: bodyForm,
      })
      .map(({ form, ...parts }) => ({ ...parts, ...(form && { form }) })),
    fc.record({
      kind: fc.constant('answer' as const),
      status: fc.constantFrom(301, 308),
      redirect: fc.constantFrom<Redirect>(
        {},
        { scheme: 'https', port: 8443 },
        { host: 'b', prefix: '/', dropsQuery: true },
      ),
    }),
    fc
      .record({
        upstream,
        timeoutMs: fc.constantFrom(0, 15_000),
        upgrades: fc.subarray(['websocket', 'connect']),
        idle,
        rewrite,
      })
      .map(({ idle: own, rewrite: changes, ...parts }) => ({
        kind: 'requests' as const,
        ...parts,
        ...own,
        ...(changes && { rewrite: changes }),
      })),
    fc
      .record({ upstream, post: fc.boolean(), proxyProtocol: fc.constantFrom(undefined, 'v1' as const), idle })
      .map(({ upstream: to, post, proxyProtocol, idle: own }) => ({
        kind: 'tunnels' as const,
        upstream: to,
        post,
        ...(proxyProtocol && { proxyProtocol }),
        ...own,
      })),
  );
  const path = fc.constantFrom(
    { kind: 'connect' } as const,
    { kind: 'prefix', value: '/' } as const,
    { kind: 'exact', value: '/a b' } as const,
    { kind: 'regex', value: String.raw`/[a-z]+\d` } as const,
  );
  const field = fc.constantFrom(
    { name: ':method', value: { kind: 'exact', value: 'POST' } } as const,
    { name: 'foo' } as const,
    { name: 'foo', value: { kind: 'prefix', value: 'b' }, invert: true } as const,
    { name: 'foo', value: { kind: 'suffix', value: 'b' } } as const,
    { name: 'foo', value: { kind: 'contains', value: 'b' } } as const,
    { name: 'foo', value: { kind: 'regex', value: 'b.*' } } as const,
  );
  return fc
    .record({ match: fc.record({ path, fields: fc.array(field, { maxLength: 2 }) }), action, changes: fieldChanges })
    .map(({ changes, ...parts }) => ({ ...parts, ...changes }))
    .filter(
      ({ match, action: { kind, ...rest } }) =>
        match.path.kind !== 'connect' || kind !== 'answer' || !('redirect' in rest),
    )
    .map((one) => (one.action.kind === 'tunnels' && one.match.path.kind !== 'connect' ? toPosts(one) : one));
}

/** Restricts a route with a path to POST, because Envoy terminates the tunnels of only one method there. */
function toPosts({ match, action, ...rest }: HttpRoute): HttpRoute {
  const others = match.fields.filter(({ name }) => name !== ':method');
  const method = { name: ':method', value: { kind: 'exact', value: 'POST' } } as const;
  return {
    ...rest,
    match: { ...match, fields: [method, ...others] },
    action: action.kind === 'tunnels' ? { ...action, post: true } : action,
  };
}

/** Lets a route that answers take changes of protocol: in Envoy all such routes take the same. */
export function withTaken(one: HttpRoute, upgrades: readonly string[] | undefined): HttpRoute {
  const { action } = one;
  if (!upgrades || action.kind !== 'answer' || action.redirect) return one;
  return { ...one, action: { ...action, upgrades } };
}
