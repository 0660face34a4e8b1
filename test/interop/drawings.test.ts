import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'puppeteer-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { findOverlaps, readDrawing } from '../support/drawing.ts';
import { startBrowser } from './support/browser.ts';

let browser: Browser;

beforeAll(async () => {
  browser = await startBrowser();
});

afterAll(() => browser.close());

/** Where `npm run pictures` puts what a person wants to look at. */
const folder = fileURLToPath(new URL('../../pictures/', import.meta.url));

test.each([
  ['chain-1', 'light'],
  ['chain-6', 'light'],
  ['chain-6', 'dark'],
  ['chain-40', 'light'],
])('a browser draws %s with room for each text (%s)', async (name, scheme) => {
  const svg = readFileSync(new URL(`../golden/${name}.svg`, import.meta.url), 'utf8');
  const drawing = readDrawing(svg);
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  const [width, height] = [Math.ceil(drawing.page.right), Math.ceil(drawing.page.bottom)];
  await page.setViewport({ width, height });
  await page.setContent(`<body style="margin: 0">${svg}</body>`);
  const marks = await page.$$eval('svg text, svg g', (elements) =>
    elements.map((element) => {
      const { left, top, right, bottom } = element.getBoundingClientRect();
      return { name: element.textContent, left, top, right, bottom };
    }),
  );
  expect(marks).toHaveLength(drawing.marks.length);
  expect(findOverlaps({ ...drawing, marks })).toEqual([]);
  if (process.env['TUNL_PICTURES'] !== 'write') return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: `${folder}${name}-${scheme}.png` });
});
