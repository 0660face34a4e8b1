import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import type { Browser, Page } from 'puppeteer-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { makeCerts } from '../support/certs/certs.ts';
import { eventually } from '../support/eventually.ts';
import { connectPeer, type RawPeer } from '../support/peers/raw-peer.ts';
import { refusedAddress } from '../support/targets/plain.ts';
import { readTexts as read, type ShownPage, showAdmin, startBrowser } from './support/browser.ts';
import { startTunl, type TunlPart } from './support/tunl.ts';
import { startEcho } from './support/tunnels.ts';
import { makeFolder } from './support/workspace.ts';

let browser: Browser;

beforeAll(async () => {
  browser = await startBrowser();
});

afterAll(() => browser.close());

/** A chain that shows everything that the page can show. */
interface World extends ShownPage {
  readonly chain: TunlPart;
  /** The file of the chain. */
  readonly path: string;
  connect(stage: string): Promise<RawPeer>;
}

async function openWorld(): Promise<World> {
  const target = await startEcho();
  const certs = await makeCerts();
  onTestFinished(() => certs.remove());
  const { cert, key } = await certs.issue({ cn: 'shop', dns: ['shop.example'], notAfter: new Date(Date.now() + 5e8) });
  const path = join(makeFolder('admin'), 'chain.yaml');
  const dead = `127.0.0.1:${refusedAddress.port}`;
  writeFileSync(
    path,
    `admin: 0
stages:
  ingress: { listen: 127.0.0.1:0, to: internal://inner }
  inner: { to: 127.0.0.1:${target.port} }
  web:
    listen: 127.0.0.1:0
    http: { routes: [{ path: /gone, answer: 410 }, { answer: 200 hello }] }
  lost: { listen: 127.0.0.1:0, to: db.example:5432, via: "http://me:\${SECRET}@${dead}" }
  shop: { listen: 127.0.0.1:0, to: 127.0.0.1:${target.port}, tls: { cert: ${cert}, key: ${key} } }
`,
  );
  const chain = await startTunl(['chain', '-c', path], { SECRET: 'sesame' });
  onTestFinished(() => chain.stop());
  const [, admin = ''] = await chain.waitForLine(/^tunl: admin (\S+)$/m);
  const ports = [...chain.log().matchAll(/^tunl: (?:forwarding|serving) 127\.0\.0\.1:(\d+)/gm)].map(([, port]) => port);
  const stages = ['ingress', 'web', 'lost', 'shop'];
  const connect = (stage: string) => connectPeer(Number(ports[stages.indexOf(stage)]));
  return { chain, path, connect, ...(await showAdmin(browser, admin)) };
}

/** Asks the HTTP stage for paths, one after the other. */
async function askWeb(world: World, paths: readonly string[]): Promise<void> {
  const client = await world.connect('web');
  for (const path of paths) {
    client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await client.readUntil(path === '/gone' ? '\r\n\r\n' : 'hello');
  }
  client.fin();
}

/** Sends bytes forth and back until a condition holds on the page. */
async function pumpUntil(peer: RawPeer, holds: () => Promise<boolean>): Promise<void> {
  await eventually(async () => {
    peer.send(Buffer.alloc(20_000));
    await peer.read(20_000);
    return holds();
  }, true);
}

/** Lists what axe-core finds on a page as it is. */
async function findBarriers(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { axe: tool } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: readonly { id: string; nodes: readonly { html: string }[] }[] }> };
    };
    const { violations } = await tool.run();
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  });
}

/** Lists every element that is wider than the room that it has. */
function findWide(page: Page): Promise<readonly string[]> {
  return page.$$eval('html, body, body *', (elements) =>
    elements
      .filter((element) => {
        const { clientWidth, scrollWidth } = element;
        const { documentElement } = element.ownerDocument;
        const isOver = element.getBoundingClientRect().right > documentElement.clientWidth + 1;
        return isOver || (clientWidth > 0 && scrollWidth > clientWidth + 1);
      })
      .map(({ outerHTML }) => outerHTML.slice(0, 100)),
  );
}

test('the page tells what passes, what failed and what was read, and fits in every size', async () => {
  const world = await openWorld();
  const { page, complaints } = world;
  const peer = await world.connect('ingress');
  const labels = () => read(page, '#graph text.words');
  await pumpUntil(peer, async () => /^→\s*\d[\d.]*K\/s ←\s*\d[\d.]*K\/s$/m.test((await labels()).join('\n')));
  // Both arrows of its way carry it, and those of other stages carry nothing.
  await pumpUntil(peer, async () => (await read(page, '#graph polyline[class*="rate"]')).length === 2);
  expect((await labels()).filter((text) => text === '→   0/s ←   0/s')).toHaveLength(2);
  await pumpUntil(peer, async () => (await read(page, '#received-rate'))[0]?.endsWith('K') === true);
  await eventually(
    () => page.$eval('#minute .received', (line) => line.getAttribute('points')),
    expect.stringMatching(/^5\d,\d+\.\d 5\d,\d+\.\d/),
  );

  const lost = await world.connect('lost');
  await lost.waitForEnd();
  await eventually(() => read(page, '#failures .side'), [`http://127.0.0.1:${refusedAddress.port}`]);
  expect(await read(page, '#failures .target')).toEqual(['db.example:5432']);
  expect((await read(page, '#failures .cause'))[0]).toMatch(/refused|connect/);
  expect((await read(page, '#failures .time'))[0]).toMatch(/^\d\d?:\d\d:\d\d/);

  const answers = () => read(page, '#stages [data-key="web"] .answers, #stages tr[data-key="web"] .answers');
  await eventually(
    async () => {
      await askWeb(world, ['/', '/', '/gone']);
      return (await answers())[0];
    },
    expect.stringMatching(/^2xx \d+(\.\d)?, 4xx \d+(\.\d)?$/),
  );

  expect(await read(page, '#certificates .names')).toEqual(['shop.example']);
  expect(await read(page, '#certificates .days.bad')).toEqual(['5']);

  const good = readFileSync(world.path, 'utf8');
  writeFileSync(world.path, good.replace('to: db.example:5432', 'too: db.example:5432'));
  process.kill(world.chain.pid, 'SIGHUP');
  await eventually(
    () => read(page, '#reading.bad'),
    [expect.stringMatching(/^files read at .*: .*chain\.yaml:8.*too/)],
  );
  writeFileSync(world.path, good);
  process.kill(world.chain.pid, 'SIGHUP');
  await eventually(() => read(page, '#reading:not(.bad)'), [expect.stringMatching(/^files read at [\d:]+$/)]);

  const folder = fileURLToPath(new URL('../../pictures/', import.meta.url));
  for (const [width, scheme] of [
    [390, 'light'],
    [1280, 'dark'],
    [1920, 'light'],
  ] as const) {
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    await page.setViewport({ width, height: 900 });
    expect(await findWide(page), `${width}`).toEqual([]);
    expect(await findBarriers(page), `${width} ${scheme}`).toEqual([]);
    if (process.env['TUNL_PICTURES'] !== 'write') continue;
    mkdirSync(folder, { recursive: true });
    await page.screenshot({ path: `${folder}admin-${width}-${scheme}.png`, fullPage: true });
  }
  await page.click('#tunnels button');
  expect(await findBarriers(page), 'with the question').toEqual([]);
  expect(complaints).toEqual([]);
  expect(await page.content()).not.toContain('sesame');
});

test('a stage, a text and an order choose among the tunnels, by the keyboard too', async () => {
  const world = await openWorld();
  const { page, complaints } = world;
  const [first, second] = [await world.connect('ingress'), await world.connect('ingress')];
  first.send(Buffer.alloc(100));
  second.send(Buffer.alloc(200));
  await Promise.all([first.read(100), second.read(200)]);
  await eventually(() => read(page, '#tunnels .sent'), ['100B', '200B']);

  await page.focus('#sorting [data-sort="sent"]');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  await eventually(() => read(page, '#tunnels .sent'), ['200B', '100B']);
  expect(await page.$eval('#sorting [data-sort="sent"]', (button) => button.parentElement?.ariaSort)).toBe(
    'descending',
  );

  const port = (await read(page, '#tunnels .peer'))[1]?.split(':').at(-1) ?? '';
  await page.type('#filter', port);
  await eventually(() => read(page, '#tunnels .sent'), ['100B']);
  expect(await read(page, '#count')).toEqual(['1 shown']);
  await page.evaluate(`document.querySelector('#filter').value = ''`);
  await page.type('#filter', 'INGRESS');
  await eventually(() => read(page, '#tunnels .sent'), ['200B', '100B']);

  await page.evaluate(`document.querySelector('#graph [data-stage="lost"]').focus()`);
  await page.keyboard.press('Enter');
  await eventually(() => read(page, '#none:not([hidden])'), ['No open tunnel fits.']);
  expect(await page.evaluate('document.activeElement.dataset.stage')).toBe('lost');
  // A drawing that was made anew in between keeps what has the focus.
  first.send(Buffer.alloc(1000));
  await eventually(async () => /sent 1\.[23]K/.test((await read(page, '#graph text')).join('\n')), true);
  expect(await page.evaluate('document.activeElement.dataset.stage')).toBe('lost');
  await page.click('#graph [data-stage="inner"]');
  await eventually(() => read(page, '#tunnels .id'), expect.arrayContaining(['1', '2']));
  expect(await read(page, '#anywhere:not([hidden])')).toEqual(['stage inner: show all']);
  await page.click('#anywhere');
  expect(await read(page, '#stages [aria-pressed="true"], #graph [aria-pressed="true"]')).toEqual([]);
  // A choice ends the events of the one before, which the browser counts as a failed request.
  expect(complaints.filter((text) => !/\/events\?.* failed$/.test(text))).toEqual([]);
});
