import { expect, test } from 'vitest';
import { rewriteHead } from '../../src/router/rewrite.ts';

test('a request of which the path alone is changed keeps its method, its host and its fields', () => {
  // As in the requests of HTTP/1.1, not all is there as a property of its own.
  class Request {
    readonly target = '/old/a?b';
    readonly authority = 'a.example';
    get method(): string {
      return 'GET';
    }
    get headers(): [string, string][] {
      return [['foo', 'bar']];
    }
  }
  const terms = { path: { kind: 'prefix', value: '/old' }, tellsHost: true } as const;
  expect(rewriteHead(new Request(), { prefix: '/new' }, terms)).toEqual({
    method: 'GET',
    target: '/new/a?b',
    authority: 'a.example',
    headers: [
      ['foo', 'bar'],
      ['x-envoy-original-path', '/old/a?b'],
    ],
  });
});
