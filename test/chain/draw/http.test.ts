import { expect, test } from 'vitest';
import { drawMermaid, drawSvg, drawText } from '../../../src/chain/draw/draw.ts';
import { describeStages } from '../../../src/cli/terminal/stages.ts';
import { loadText } from '../../support/graphs/chain-file.ts';

const { graph } = loadText(`stages:
  web:
    listen: 10000
    http:
      routes:
        - { method: GET, path: /health, answer: 200 hunter2 }
        - { prefix: /api, headers: { x-key: hunter2 }, to: api }
        - { to: internal://encap }
        - { tunnel-to: field::authority }
      upstreams: { api: { to: a:1, via: h2c://p:1 } }
  encap: { to: c:1 }
`);

test('an HTTP stage is drawn with its answers, and with what leads to each upstream', () => {
  expect(drawText(graph, { fused: new Set(['encap']) })).toBe(`┌─ web ──────────────┐
│ on 127.0.0.1:10000 │
│ http               │
│ GET /health: 200   │
└────────────────────┘
  │ /api… with x-key
  │ via h2c://p:1
  ├─▶ a:1
  │ internal://encap, fused
  │ /…
  ├─▶ ┌─ encap ─┐
  │   │ forward │
  │   └─────────┘
  │     │
  │     ▼
  │   c:1
  │ CONNECT
  └─▶ the target in :authority
`);
});

test('the routes of a stage stand below it, without the values of fields', () => {
  expect(describeStages(graph, new Set())).toBe(`web    http     127.0.0.1:10000 -> 4 routes
    GET /health -> 200
    /api… with x-key -> a:1 via h2c://p:1
    /… -> internal://encap
    CONNECT -> bytes to the target in :authority
encap  forward  internal://encap -> c:1
`);
});

test.each([drawText, drawMermaid, drawSvg])('%o shows no bodies and no values of fields', async (draw) => {
  expect(await draw(graph, { fused: new Set() })).not.toContain('hunter2');
});

test('who may use a stage is drawn in its box', () => {
  const { graph: guarded } = loadText(
    `stages:
  web:
    listen: 10000
    http: { users: { alice: "\${PW}" }, deny: [a.test, b.test], max-tunnels: 5, routes: [{ answer: 404 }] }
`,
    { PW: 'hunter2' },
  );
  const drawn = drawText(guarded, { fused: new Set() });
  expect(drawn).toContain('│ http, users, 2 rules, at most 5 requests │');
  expect(drawn).not.toContain('hunter2');
});
