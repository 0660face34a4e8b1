import { expect, test } from 'vitest';
import { drawMermaid, drawSvg, drawText } from '../../../src/chain/draw/draw.ts';
import { Secret } from '../../../src/core/secret.ts';
import { makeHop } from '../../support/harness/app.ts';
import { forwardStage, internal, proxyStage, toGraph } from '../../support/graphs/graphs.ts';

const empty = toGraph({ stages: [] });
const none = { fused: new Set<string>() };
const host = { kind: 'tcp', host: 'host.com', port: 443 } as const;
const port = (number: number) => ({ kind: 'tcp', host: '127.0.0.1', port: number }) as const;

const hop = makeHop('h2c', 10001, { credentials: { user: 'alice', password: new Secret('hunter2') } });

/** Traffic from a port goes into a tunnel through a proxy that is far away. */
const line = toGraph({
  stages: [
    forwardStage('ingress', internal('encap'), { listen: [port(9999)] }),
    forwardStage('encap', host, { listen: 'internal', route: { hops: [[hop]] } }),
  ],
});

/** Two ways in, a choice, a stage that both lead to, and a way that begins inside. */
const net = toGraph({
  stages: [
    forwardStage('web', [internal('near'), internal('far'), host], { listen: [port(8080)], balance: 'round-robin' }),
    forwardStage('near', internal('out'), { listen: 'internal', log: true }),
    forwardStage('far', host, { listen: 'internal', route: { hops: [[hop]], entry: internal('out') } }),
    proxyStage('gate', {
      listen: [port(3128), { kind: 'unix', path: '/run/gate.sock' }],
      tls: { clientCa: 'ca.pem' },
      users: { authFile: 'users' },
      deny: ['*:25'],
      accept: ['post'],
    }),
    forwardStage('out', port(10001), { listen: 'internal' }),
  ],
});

test.each([
  ['chain-line.txt', drawText(line, { fused: new Set(['encap']) })],
  ['chain-net.txt', drawText(net, { fused: new Set(['out']) })],
  ['chain-net.mmd', drawMermaid(net, { fused: new Set(['out']) })],
  ['chain-net.svg', await drawSvg(net, { fused: new Set(['out']) })],
])('%s is what is drawn', async (name, drawn) => {
  await expect(drawn).toMatchFileSnapshot(`../../golden/${name}`);
});

test.each([drawText, drawMermaid, drawSvg])('%o shows no user and no password', async (draw) => {
  const drawn = await draw(line, none);
  expect(drawn).toContain('h2c:');
  expect(drawn).not.toMatch(/alice|hunter2/);
});

test('a drawing for the terminal is no wider than the terminal', () => {
  const lines = drawText(net, { ...none, width: 24 }).split('\n');
  expect(Math.max(...lines.map((text) => Array.from(text).length))).toBe(24);
  expect(lines.filter((text) => text.endsWith('…'))).not.toEqual([]);
});

test('what is live in a stage stands in its box', () => {
  const counters = new Map([['encap', { tunnels: 2, sent: 1_500_000, received: 17 }]]);
  expect(drawText(line, { ...none, counters })).toContain('│ 2 tunnels, sent 1.4M, received 17 │');
  expect(drawText(line, none)).not.toContain('sent');
});

test('names cannot become markup or commands for the terminal', async () => {
  const evil = toGraph({ stages: [forwardStage('a"]<b>\u001B[31m;&', { kind: 'unix', path: '/run/"x"\n' })] });
  expect(await drawSvg(evil, none)).toContain('a&quot;]&lt;b&gt;\uFFFD[31m;&amp;');
  expect(drawMermaid(evil, none)).toContain('stage1["a#34;]#60;b#62;#27;[31m#59;#38;<br>on ');
  expect(drawText(evil, none)).not.toMatch(/\u001B/);
  expect(drawText(evil, none)).toContain('unix:/run/"x"\uFFFD');
});

test('an SVG is readable in both schemes of colours and needs nothing from elsewhere', async () => {
  const svg = await drawSvg(net, none);
  expect(svg).toContain('prefers-color-scheme: dark');
  expect(svg.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|url\(|@import/);
});

test('a graph without stages is an empty drawing', async () => {
  expect(drawText(empty, none)).toBe('');
  expect(drawMermaid(empty, none)).toBe('flowchart TB\n');
  expect(await drawSvg(empty, none)).toContain('</svg>');
});
