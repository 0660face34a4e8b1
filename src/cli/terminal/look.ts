import type { Io } from './io.ts';

const bars = '▁▂▃▄▅▆▇█';

/** Draws numbers as a line of bars, of which the highest stands for the greatest number; the last `width` are shown. */
export function drawSparkline(numbers: readonly number[], width: number): string {
  const shown = width > 0 ? numbers.slice(-width) : [];
  const greatest = Math.max(1, ...shown);
  return shown.map((number) => bars[Math.round((number / greatest) * (bars.length - 1))]).join('');
}

/** True if the locale of a terminal says that it shows UTF-8. */
export function showsUtf8({ LC_ALL, LC_CTYPE, LANG }: Io['env']): boolean {
  // An empty variable counts as one that is not set (POSIX, "Environment Variables", section 8.2).
  return /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || '');
}

/** Characters of frames, arrows and bars, each with the one that stands for it in ASCII. */
const substitutes = new Map(
  Object.entries({
    '│┃': '|',
    '─━': '-',
    '┌┐└┘├┤┬┴┼': '+',
    '▶→': '>',
    '←': '<',
    '▼↓': 'v',
    '↑': '^',
    '…': '~',
    '▁': '_',
    '▂': '.',
    '▃': ':',
    '▄': '-',
    '▅': '=',
    '▆': '+',
    '▇': '*',
    '█': '#',
  }).flatMap(([from, to]) => Array.from(from, (character) => [character, to] as const)),
);

/** Writes a line in ASCII; what has no substitute becomes `?`. */
export function toAscii(line: string): string {
  return line.replaceAll(/[^\u0000-\u007f]/gu, (character) => substitutes.get(character) ?? '?');
}
