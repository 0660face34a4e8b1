import { expect, test } from 'vitest';
import { toLinearGraph } from '../../../src/app/commands/linear.ts';
import { listStages, type Target } from '../../../src/chain/model/graph.ts';
import { calmLimits, makeHop } from '../../support/harness/app.ts';
import { refusalOf } from '../../support/usage.ts';

const listen = { kind: 'tcp', host: '127.0.0.1', port: 1 } as const;
const target = { kind: 'tcp', host: 'db', port: 2 } as const;
const hop = { kind: 'hop', choice: [makeHop('h2c', 3)] } as const;
const internal = (name: string) => ({ kind: 'internal', address: { kind: 'internal', name } }) as const;

const build = (nodes: Parameters<typeof toLinearGraph>[0]['nodes'], to: Target = target) =>
  listStages(toLinearGraph({ listen, nodes, target: to, limits: calmLimits, retries: 2 }));

test('without internal nodes there is one stage', () => {
  expect(build([hop, hop])).toMatchObject([
    {
      name: 'ingress',
      listen: [listen],
      to: { targets: [target] },
      route: { hops: [hop.choice, hop.choice], retries: 2 },
    },
  ]);
});

test('an internal node ends a stage and starts the stage of its name', () => {
  const stages = build([internal('a'), internal('b'), hop]);
  expect(stages.map(({ name }) => name)).toEqual(['ingress', 'a', 'b']);
  expect(stages.map(({ to }) => to?.targets)).toEqual([[internal('a').address], [internal('b').address], [target]]);
  expect(stages.map(({ route }) => route.hops.length)).toEqual([0, 0, 1]);
});

test('the first stage gives way to one that is called as it is', () => {
  expect(build([internal('ingress')]).map(({ name }) => name)).toEqual(['start', 'ingress']);
});

test.each([
  ['a stage behind a proxy', [hop, internal('a')], target, 'no proxy can lead to internal://a'],
  ['a stage that comes twice', [internal('a'), internal('a')], target, 'two stages listen on internal://a'],
  ['a target that no stage is', [], internal('x').address, 'nothing listens on internal://x'],
  ['a circle', [internal('a'), internal('b')], internal('a').address, 'the stages form a loop: a -> b -> a'],
] as const)('%s is refused', (_what, nodes, to, message) => {
  expect(refusalOf(() => build(nodes, to)).message).toContain(message);
});
