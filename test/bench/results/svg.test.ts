import { describe, expect, test } from 'vitest';
import { readXml } from '../../support/xml.ts';
import { makeRow, makeRun } from './rows.ts';
import { drawRatios } from './svg.mjs';

const run = makeRun([
  makeRow({
    squid: [100, 110, 90].map((rate) => ({ rate, cost: 1 })),
    'tunl serve': [50, 130, 95].map((rate) => ({ rate, cost: 0.5 })),
  }),
  makeRow({ squid: [1000, 900], 'tunl serve': [1, 2000] }, { title: 'up <x1> & "more"' }),
  makeRow({ squid: [{ error: 'refused' }], 'tunl serve': [1] }, { title: 'not compared' }),
  makeRow({ 'envoy x3': [1, 2], 'tunl one': [1e-9, 2e-9], 'tunl two': [1e9, 3e9] }, { part: 'hops' }),
]);

describe('a drawing', () => {
  const elements = readXml(drawRatios(run));
  const [svg] = elements;

  test('is XML, whatever the rows are called', () => {
    expect(svg?.attributes).toMatchObject({ xmlns: 'http://www.w3.org/2000/svg' });
    expect(() => readXml('<a><b></a>')).toThrow('ends something else');
    expect(() => readXml('<a>x & y</a>')).toThrow('a bare &');
  });

  test('has a mark with a bar for each ratio, and none for what was not compared', () => {
    expect(elements.filter(({ name }) => name === 'circle')).toHaveLength(5);
    expect(elements.filter(({ attributes }) => attributes['class'] === 'bar')).toHaveLength(5);
    expect(drawRatios(run)).not.toContain('not compared');
  });

  test('has no coordinate that is not a number, and none outside of the picture', () => {
    const { width, height } = { width: Number(svg?.attributes['width']), height: Number(svg?.attributes['height']) };
    const across = elements.flatMap(({ attributes }) =>
      readNumbers(attributes, ['x', 'x1', 'x2', 'cx'], /[MH]([^ MHV]+)/g),
    );
    const down = elements.flatMap(({ attributes }) =>
      readNumbers(attributes, ['y', 'y1', 'y2', 'cy'], /[V ]([^MHV]+)/g),
    );
    expect(across.length).toBeGreaterThan(20);
    expect(across.filter((x) => !(x >= 0 && x <= width))).toEqual([]);
    expect(down.filter((y) => !(y >= 0 && y <= height))).toEqual([]);
    expect(drawRatios(run)).not.toMatch(/NaN|Infinity|undefined/);
  });

  test('puts each ratio between the ends of its bar', () => {
    const bars = elements
      .filter(({ attributes }) => attributes['class'] === 'bar')
      .map(({ attributes }) => attributes['d']);
    const marks = elements.filter(({ name }) => name === 'circle').map(({ attributes }) => Number(attributes['cx']));
    const inside = bars.map((path = '', index) => {
      const [, from, to] = /^M([\d.]+) [\d.]+H([\d.]+)/.exec(path) ?? [];
      return Number(from) <= Number(marks[index]) && Number(marks[index]) <= Number(to);
    });
    expect(inside).toEqual([true, true, true, true, true]);
  });

  test('shows which rows a peer made doubtful by moving', () => {
    const classes = elements.flatMap(({ name, attributes }) => (name === 'g' ? (attributes['class'] ?? []) : []));
    const work = ['behind doubtful', 'ahead', 'behind doubtful', 'ahead doubtful'];
    const cost = ['ahead doubtful'];
    expect(classes).toEqual([...work, ...cost]);
  });

  test('has colours for a dark page too', () => {
    expect(drawRatios(run)).toContain('@media (prefers-color-scheme: dark)');
  });

  test('of a run that compared nothing says so', () => {
    const text = drawRatios(makeRun([]));
    expect(readXml(text).filter(({ name }) => name === 'circle')).toEqual([]);
    expect(text).toContain('There is nothing to compare with.');
    expect(text).not.toMatch(/NaN|Infinity|undefined/);
  });
});

/** The numbers of these attributes, and those of a path that the pattern finds. */
function readNumbers(attributes: Record<string, string>, names: readonly string[], inPath: RegExp): number[] {
  const plain = names.flatMap((name) => attributes[name] ?? []);
  const ofPath = [...(attributes['d'] ?? '').matchAll(inPath)].map(([, number]) => number);
  return [...plain, ...ofPath].map(Number);
}
