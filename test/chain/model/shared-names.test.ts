import { expect, test } from 'vitest';
import type { RouteOptions } from '../../../src/chain/model/graph.ts';
import { nameRoutes, RouteTable, SharedNames } from '../../../src/chain/model/shared-names.ts';
import { calmLimits } from '../../support/harness/app.ts';
import { forwardStage } from '../../support/graphs/graphs.ts';
import { httpStage, on, requests, upstream } from '../../support/graphs/http-stages.ts';

const target = { kind: 'tcp', host: 'db', port: 1 } as const;
const route: RouteOptions = { hops: [], limits: calmLimits };

test('what says the same has the same name, and every other a name of its own', () => {
  const names = new SharedNames(['a']);
  expect(names.share('a', { x: 1 })).toBe('a-2');
  expect(names.share('b', { x: 1 })).toBe('a-2');
  expect(names.share('b', { x: 2 })).toBe('b');
  expect(names.share('b', { x: 3 })).toBe('b-2');
  expect(names.take('b')).toBe('b-3');
});

test('a route is made once for all who say the same', () => {
  const table = new RouteTable();
  const names = ['a', 'b'].map((name) => table.share(name, ['via', undefined], () => ({ ...route })));
  const other = table.share('c', ['elsewhere'], () => ({ ...route }));
  expect([...names, other]).toEqual(['a', 'a', 'c']);
  expect([...table.routes.keys()]).toEqual(['a', 'c']);
});

test('routes in place are named by the first that has them', () => {
  const family = { ...route, family: 4 } as const;
  const web = httpStage('web', [on('/', requests({ upstream: 'up' }))], [upstream('up', target, { route: family })], {
    route,
  });
  const { routes, stages } = nameRoutes([
    forwardStage('one', target, { route }),
    forwardStage('two', target, { route: { ...route } }),
    { ...web, route: { ...route, family: 6 } },
  ]);
  expect([...routes]).toEqual([
    ['one', route],
    ['web', { ...route, family: 6 }],
    ['up', family],
  ]);
  expect(stages.map((stage) => stage.route)).toEqual(['one', 'one', 'web']);
  expect(stages[2]).toMatchObject({ upstreams: [{ name: 'up', route: 'up' }] });
});
