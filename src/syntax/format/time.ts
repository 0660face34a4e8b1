import { usageError } from '../../core/errors.ts';

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const;
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const;

const pad = (value: number, width = 2): string => String(value).padStart(width, '0');
const fraction = (time: Date, digits: number): string =>
  pad(time.getUTCMilliseconds(), 3).padEnd(9, '0').slice(0, digits);
const hour12 = (time: Date): number => time.getUTCHours() % 12 || 12;
const dayOfYear = (time: Date): number =>
  Math.floor((time.getTime() - Date.UTC(time.getUTCFullYear(), 0, 1)) / 86_400_000) + 1;

/** The meaning of each letter, in UTC. */
const letters: Readonly<Record<string, (time: Date) => string>> = {
  Y: (time) => String(time.getUTCFullYear()),
  y: (time) => pad(time.getUTCFullYear() % 100),
  m: (time) => pad(time.getUTCMonth() + 1),
  B: (time) => months[time.getUTCMonth()] ?? '',
  b: (time) => (months[time.getUTCMonth()] ?? '').slice(0, 3),
  d: (time) => pad(time.getUTCDate()),
  e: (time) => String(time.getUTCDate()).padStart(2),
  j: (time) => pad(dayOfYear(time), 3),
  A: (time) => days[time.getUTCDay()] ?? '',
  a: (time) => (days[time.getUTCDay()] ?? '').slice(0, 3),
  H: (time) => pad(time.getUTCHours()),
  I: (time) => pad(hour12(time)),
  p: (time) => (time.getUTCHours() < 12 ? 'AM' : 'PM'),
  M: (time) => pad(time.getUTCMinutes()),
  S: (time) => pad(time.getUTCSeconds()),
  F: (time) => time.toISOString().slice(0, 10),
  T: (time) => time.toISOString().slice(11, 19),
  R: (time) => time.toISOString().slice(11, 16),
  D: (time) => `${pad(time.getUTCMonth() + 1)}/${pad(time.getUTCDate())}/${pad(time.getUTCFullYear() % 100)}`,
  s: (time) => String(Math.floor(time.getTime() / 1000)),
  f: (time) => fraction(time, 9),
  Z: () => 'UTC',
  z: () => '+0000',
  '%': () => '%',
};

/** A specifier of one letter, with a number of digits if it has a fraction: `%3f`, `%3s`, `%E3S`. */
const specifier = /%(?:([1-9])([fs])|E([1-9*])S|([A-Za-z%]))|%/g;

/**
 * Reads a time format of strftime, with Envoy's `%3f` (fraction of the second) and `%3s` (seconds since 1970 with a
 * fraction). The empty format is ISO 8601 with milliseconds.
 * @throws {TunlError} usage
 */
export function parseTimeForm(form: string): (time: Date) => string {
  if (form === '') return (time) => time.toISOString();
  const pieces: ((time: Date) => string)[] = [];
  let at = 0;
  const addText = (end: number) => {
    const text = form.slice(at, end);
    if (text !== '') pieces.push(() => text);
  };
  for (const match of form.matchAll(specifier)) {
    addText(match.index);
    at = match.index + match[0].length;
    pieces.push(readSpecifier(match));
  }
  addText(form.length);
  return (time) => pieces.map((piece) => piece(time)).join('');
}

function readSpecifier([whole, digits, kind, digitsOfSecond, letter = '']: RegExpMatchArray): (time: Date) => string {
  if (digits !== undefined) {
    const count = Number(digits);
    return kind === 'f'
      ? (time) => fraction(time, count)
      : (time) => `${Math.floor(time.getTime() / 1000)}${fraction(time, count)}`;
  }
  if (digitsOfSecond !== undefined) {
    const count = digitsOfSecond === '*' ? 3 : Number(digitsOfSecond);
    return (time) => `${pad(time.getUTCSeconds())}.${fraction(time, count)}`;
  }
  const write = Object.hasOwn(letters, letter) ? letters[letter] : undefined;
  if (write) return write;
  throw usageError(`a time format has no ${whole}`, 'write %% for a percent sign');
}
