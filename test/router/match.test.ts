import { describe, expect, test } from 'vitest';
import type { FieldMatch, RequestMatch, VirtualHost } from '../../src/chain/model/http.ts';
import { TunlError } from '../../src/core/errors.ts';
import { createFindRoute, type Routed } from '../../src/router/match.ts';

const request = (parts: Partial<Routed>): Routed => ({
  method: 'GET',
  target: '/',
  authority: 'a.test',
  scheme: 'http',
  headers: [],
  ...parts,
});

const anyPath: RequestMatch = { path: { kind: 'prefix', value: '/' }, fields: [] };
const connect: RequestMatch = { path: { kind: 'connect' }, fields: [] };

function host(domains: readonly string[], matches: readonly RequestMatch[] = [anyPath, connect]): VirtualHost {
  const action = { kind: 'answer', status: 200 } as const;
  return { name: domains.join(' '), domains, routes: matches.map((match) => ({ match, action })) };
}

function failureOf(act: () => unknown): TunlError {
  try {
    act();
  } catch (error) {
    if (error instanceof TunlError) return error;
  }
  throw new Error('it did not fail');
}

describe('the host', () => {
  const find = createFindRoute(
    [['*'], ['a.test'], ['a.test:81'], ['*.test'], ['*.b.test'], ['*-x.test'], ['a.*'], ['a.b.*']].map((domains) =>
      host(domains),
    ),
  );

  test.each([
    ['a.test', 'a.test'],
    ['A.Test', 'a.test'],
    ['a.test:81', 'a.test:81'],
    ['a.test:82', 'a.*'],
    ['c.test', '*.test'],
    ['c.b.test', '*.b.test'],
    ['b-x.test', '*-x.test'],
    ['a.b.c', 'a.b.*'],
    ['a.c', 'a.*'],
    ['a.', '*'],
    ['.test', '*'],
    ['other:443', '*'],
    ['', '*'],
  ])('%s is found by the most exact domain, %s', (authority, domain) => {
    expect(find(request({ authority })).host.name).toBe(domain);
  });

  const narrow = createFindRoute([host(['db']), host(['[::1]']), host(['open:*'])]);

  test.each(['db:5432', 'DB:22', '[::1]:22', '[::1]:443'])(
    'a domain without a port opens none to CONNECT %s',
    (authority) => {
      expect(failureOf(() => narrow(request({ method: 'CONNECT', authority, target: authority })))).toMatchObject({
        facts: { status: 404, side: 'client', hints: [expect.stringContaining('HOST:*')] },
      });
    },
  );

  test.each([
    ['db:5432', 'CONNECT'],
    ['DB', 'GET'],
    ['[::1]:443', 'CONNECT'],
  ])('where ports are ignored a domain without one fits %s of %s', (authority, method) => {
    const find = createFindRoute([host(['db']), host(['[::1]']), host(['db:22'])], { ignorePort: true });
    const found = find(request({ method, authority, target: method === 'GET' ? '/' : authority }));
    expect(found.host.domains).toEqual([authority.toLowerCase().replace(/:\d+$/, '')]);
  });

  test('a domain with a star for its port opens all of them', () => {
    const authority = 'open:22';
    expect(narrow(request({ method: 'CONNECT', authority, target: authority })).host.name).toBe('open:*');
  });

  test('for other requests the port counts too, and the failure says so', () => {
    expect(failureOf(() => narrow(request({ authority: 'db:80' })))).toMatchObject({
      facts: { status: 404, side: 'client', hints: [expect.stringContaining('HOST:PORT')] },
    });
    expect(failureOf(() => narrow(request({ authority: 'x' }))).facts.status).toBe(404);
  });

  test('a domain with another port is another one', () => {
    const other = createFindRoute([host(['db:22'])]);
    expect(failureOf(() => other(request({ method: 'CONNECT', authority: 'db:23' }))).facts.status).toBe(404);
  });

  test('without * a host that names nothing is not found', () => {
    expect(failureOf(() => createFindRoute([host(['a.*'])])(request({ authority: '' }))).facts.status).toBe(404);
  });
});

describe('the path', () => {
  test.each([
    ['prefix', '/a', '/a', true],
    ['prefix', '/a', '/ab?c', true],
    ['prefix', '/a?', '/a?b', false],
    ['prefix', '/a', '/A', false],
    ['prefix', '/', '*', false],
    ['exact', '/a', '/a', true],
    ['exact', '/a', '/a?b=/c', true],
    ['exact', '/a', '/a/', false],
    ['exact', '/a', '/', false],
  ] as const)('%s %s with %s: %s', (kind, value, target, expected) => {
    const find = createFindRoute([host(['*'], [{ path: { kind, value }, fields: [] }])]);
    const outcome = expected
      ? find(request({ target })).route
      : failureOf(() => find(request({ target }))).facts.status;
    expect(outcome).toMatchObject(expected ? {} : 404);
  });

  test('no path is that of a CONNECT, and the failure names the way out', () => {
    const find = createFindRoute([host(['*'], [anyPath])]);
    const ask = () => find(request({ method: 'CONNECT', target: 'db:1', authority: 'db:1' }));
    expect(failureOf(ask)).toMatchObject({ facts: { status: 404, hints: [expect.stringContaining('match connect')] } });
  });

  test('connect fits nothing but CONNECT', () => {
    const find = createFindRoute([host(['*'], [connect])]);
    expect(failureOf(() => find(request({ target: '/' }))).facts.status).toBe(404);
    expect(find(request({ method: 'CONNECT', target: 'x:1' })).route.match).toBe(connect);
  });

  test('the first route that fits is taken', () => {
    const narrow: RequestMatch = { path: { kind: 'exact', value: '/a' }, fields: [] };
    const find = createFindRoute([host(['*'], [narrow, anyPath, narrow])]);
    expect(find(request({ target: '/a' })).route.match).toBe(narrow);
    expect(find(request({ target: '/b' })).route.match).toBe(anyPath);
  });
});

describe('a field', () => {
  const headers = [
    ['x', '1'],
    ['x', 'two'],
    ['empty', ''],
  ] as const;
  const exact = (name: string, value: string, invert = false): FieldMatch => ({
    name,
    value: { kind: 'exact', value },
    ...(invert && { invert }),
  });

  // Envoy 1.40 matches in the same way.
  test.each<[FieldMatch, boolean]>([
    [exact('x', '1'), true],
    [exact('x', 'two'), true],
    [exact('x', '1,two'), false],
    [exact('x', 'TWO'), false],
    [{ name: 'x', value: { kind: 'prefix', value: 'tw' } }, true],
    [{ name: 'x', value: { kind: 'suffix', value: 'o' } }, true],
    [{ name: 'x', value: { kind: 'contains', value: 'w' } }, true],
    [{ name: 'x', value: { kind: 'contains', value: ',' } }, false],
    [exact('x', '1', true), false],
    [exact('x', '3', true), true],
    [exact('y', '1', true), false],
    [{ name: 'x' }, true],
    [{ name: 'empty' }, true],
    [{ name: 'y' }, false],
    [{ name: 'x', invert: true }, false],
    [{ name: 'y', invert: true }, true],
    [exact(':method', 'POST'), true],
    [exact(':authority', 'a.test:80'), true],
    [exact('host', 'a.test:80'), true],
    [exact(':path', '/p?q'), true],
    [exact(':path', '/p'), false],
    [exact(':scheme', 'http'), true],
  ])('%j: %s', (field, expected) => {
    const find = createFindRoute([host(['*'], [{ ...anyPath, fields: [field] }, anyPath])]);
    const found = find(request({ method: 'POST', target: '/p?q', authority: 'a.test:80', headers }));
    expect(found.route.match === anyPath).toBe(!expected);
  });

  test('all of them must fit', () => {
    const fields = [exact('x', '1'), exact('y', '1')];
    const find = createFindRoute([host(['*'], [{ ...anyPath, fields }])]);
    expect(failureOf(() => find(request({ headers }))).facts.status).toBe(404);
  });

  test('CONNECT has no path and no scheme', () => {
    const fields = [
      { name: ':path', invert: true },
      { name: ':scheme', invert: true },
    ];
    const find = createFindRoute([host(['*'], [{ ...connect, fields }])]);
    expect(find(request({ method: 'CONNECT', target: 'a:1', authority: 'a:1' })).route.match.fields).toBe(fields);
  });
});
