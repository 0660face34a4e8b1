import { expect, test } from 'vitest';
import type { Stage } from '../../../src/chain/model/graph.ts';
import { findFaults } from '../../../src/chain/check/validate.ts';
import { makeHop } from '../../support/harness/app.ts';
import { forwardStage, freePort, internal, proxyStage, toGraph } from '../../support/graphs/graphs.ts';

const target = { kind: 'tcp', host: 'db', port: 5432 } as const;
const at = (port: number) => ({ kind: 'tcp', host: '127.0.0.1', port }) as const;
const hops = [[makeHop('http', 3128)]];

test('a graph whose stages are joined by their names has no fault', () => {
  const stages = [
    forwardStage('in', [internal('a'), internal('b')]),
    forwardStage('a', internal('c'), { listen: 'internal' }),
    forwardStage('b', target, { listen: 'internal', route: { hops, entry: internal('c') } }),
    forwardStage('c', target, { listen: 'internal' }),
    proxyStage('gate', { listen: [freePort, internal('door')] }),
  ];
  expect(findFaults(toGraph({ stages }))).toEqual([]);
});

test('one stage may have several names, and several ways lead to one stage', () => {
  const stages = [
    forwardStage('one', internal('x')),
    forwardStage('two', internal('y')),
    forwardStage('end', target, { listen: [internal('x'), internal('y')] }),
  ];
  expect(findFaults(toGraph({ stages }))).toEqual([]);
});

test('the same port of another machine, or behind a proxy, is another place', () => {
  const stages = [
    forwardStage('in', target, { listen: [{ kind: 'tcp', host: '0.0.0.0', port: 5432 }] }),
    forwardStage('far', at(8080), { listen: [at(8080)], route: { hops } }),
    forwardStage('free', at(0), { listen: [at(0)] }),
  ];
  expect(findFaults(toGraph({ stages }))).toEqual([]);
});

const faults: readonly (readonly [string, readonly Stage[], readonly unknown[]])[] = [
  [
    'a name that nobody has, with those that there are',
    [forwardStage('in', internal('encpa')), forwardStage('encap', target, { listen: 'internal' })],
    [
      {
        stage: 'in',
        part: 'to',
        message: 'nothing listens on internal://encpa',
        hint: 'there are internal://encap',
      },
    ],
  ],
  [
    'a name where there are none',
    [forwardStage('in', target, { route: { entry: internal('x') } })],
    [
      {
        stage: 'in',
        part: 'via',
        message: 'nothing listens on internal://x',
        hint: 'no stage has an internal listener',
      },
    ],
  ],
  [
    'one name for two listeners',
    [
      forwardStage('in', internal('x')),
      forwardStage('a', target, { listen: [internal('x')] }),
      forwardStage('b', target, { listen: [internal('x')] }),
    ],
    [{ stage: 'b', part: 'listen', message: 'two stages listen on internal://x', first: 'a' }],
  ],
  [
    'twin stages',
    [forwardStage('in', target), forwardStage('in', target)],
    [{ stage: 'in', part: 'name', message: 'there are two stages named in' }],
  ],
  [
    'one address for two stages',
    [forwardStage('in', target, { listen: [at(8080)] }), proxyStage('gate', { listen: [at(8080)] })],
    [{ stage: 'gate', part: 'listen', message: '127.0.0.1:8080 is listened on by in already', first: 'in' }],
  ],
  [
    'a stage that leads to its own port',
    [forwardStage('in', at(8080), { listen: [{ kind: 'tcp', host: '0.0.0.0', port: 8080 }] })],
    [{ stage: 'in', part: 'to', message: 'the stages form a loop: in -> in' }],
  ],
  [
    'a stage on localhost that leads to one of its addresses',
    [forwardStage('in', at(8080), { listen: [{ kind: 'tcp', host: 'localhost', port: 8080 }] })],
    [{ stage: 'in', part: 'to', message: 'the stages form a loop: in -> in' }],
  ],
  [
    'stages that lead to each other by their addresses',
    [
      forwardStage('a', [target, at(8081)], { listen: [at(8080)] }),
      forwardStage('b', { kind: 'unix', path: '/run/c' }, { listen: [at(8081)] }),
      forwardStage('c', at(8080), { listen: [{ kind: 'unix', path: '/run/c' }] }),
    ],
    [{ stage: 'a', part: 'to', message: 'the stages form a loop: a -> b -> c -> a' }],
  ],
  [
    'a stage that leads to itself',
    [forwardStage('in', internal('in'), { listen: [freePort, internal('in')] })],
    [{ stage: 'in', part: 'to', message: 'the stages form a loop: in -> in' }],
  ],
  [
    'stages that lead round, in the order in which one meets them',
    [
      forwardStage('in', internal('a')),
      forwardStage('a', [target, internal('b')], { listen: 'internal' }),
      forwardStage('b', target, { listen: 'internal', route: { hops, entry: internal('a') } }),
    ],
    [{ stage: 'a', part: 'to', message: 'the stages form a loop: a -> b -> a' }],
  ],
  [
    'stages that only lead to each other',
    [
      forwardStage('in', target),
      forwardStage('a', internal('b'), { listen: 'internal' }),
      forwardStage('b', target, { listen: 'internal' }),
    ],
    ['a', 'b'].map((stage) => ({
      stage,
      part: 'listen',
      message: `nothing leads to ${stage}`,
      hint: 'let another stage lead to it, or give it a port',
    })),
  ],
  [
    'a way through a proxy that is to lead back inside',
    [
      forwardStage('in', internal('a'), { route: { hops } }),
      forwardStage('a', { kind: 'unix', path: '/run/x' }, { listen: 'internal', route: { hops } }),
    ],
    [
      {
        stage: 'in',
        part: 'to',
        message: 'no proxy can lead to internal://a, which is in this process',
        hint: 'to reach the proxies through it, write internal://a before them',
      },
      {
        stage: 'a',
        part: 'to',
        message: 'no proxy can lead to unix:/run/x, which is on this machine',
        hint: 'leave the proxies out',
      },
    ],
  ],
];

test.each(faults)('finds %s', (_what, stages, expected) => {
  expect(findFaults(toGraph({ stages }))).toEqual(expected);
});

test('any number of stages may have a free port each', () => {
  expect(findFaults(toGraph({ stages: [forwardStage('a', target), forwardStage('b', target)] }))).toEqual([]);
});
