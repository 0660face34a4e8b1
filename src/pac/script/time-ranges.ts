/** An argument or a result of a function of PAC files. */
export type PacValue = string | number | boolean | null | undefined;

const weekdays = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];

/** Numbers that say when something is, the largest unit first. */
type Moment = readonly number[];

/** The fields of a point in time, in the zone that a call asks for. */
interface Clock {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** Separates a trailing `"GMT"` from the other arguments, and reads the clock in that zone or in the local one. */
function readClock(now: Date, args: readonly PacValue[]): { readonly clock: Clock; readonly words: PacValue[] } {
  const given = args.filter((arg) => arg !== undefined);
  const last = given.at(-1);
  if (typeof last === 'string' && last.toUpperCase() === 'GMT') {
    return { clock: readUtc(now), words: given.slice(0, -1) };
  }
  return { clock: readLocal(now), words: given };
}

function readUtc(now: Date): Clock {
  return {
    year: now.getUTCFullYear(),
    month: now.getUTCMonth(),
    day: now.getUTCDate(),
    weekday: now.getUTCDay(),
    hour: now.getUTCHours(),
    minute: now.getUTCMinutes(),
    second: now.getUTCSeconds(),
  };
}

function readLocal(now: Date): Clock {
  return {
    year: now.getFullYear(),
    month: now.getMonth(),
    day: now.getDate(),
    weekday: now.getDay(),
    hour: now.getHours(),
    minute: now.getMinutes(),
    second: now.getSeconds(),
  };
}

/** True if the weekday is the given one, or in the range of two; a range may go over the end of the week. */
export function weekdayRange(now: Date, args: readonly PacValue[]): boolean {
  const { clock, words } = readClock(now, args);
  const [first = -1, last = first, ...more] = words.map((word) => weekdays.indexOf(String(word).toUpperCase()));
  if (first < 0 || last < 0 || more.length > 0) return false;
  return isWithin([clock.weekday], [first], [last]);
}

/** The units of a date that an argument may name; their order is that of their sizes. */
const dateUnits = ['year', 'month', 'day'] as const;
type DateUnit = (typeof dateUnits)[number];

/**
 * True if the date fits: a day, a month or a year, or a range of two dates in the same units. A range without years may
 * go over the end of the month or the year.
 */
export function dateRange(now: Date, args: readonly PacValue[]): boolean {
  const { clock, words } = readClock(now, args);
  const parts = words.map(readDatePart);
  if (parts.length === 0 || parts.some((part) => part === undefined)) return false;
  const known = parts.filter((part) => part !== undefined);
  const half = known.length === 1 ? 1 : known.length / 2;
  const [first, last] = [known.slice(0, half), known.length === 1 ? known : known.slice(half)];
  const units = dateUnits.filter((unit) => first.some((part) => part.unit === unit));
  const isAlike = (side: typeof known) =>
    side.length === units.length && units.every((unit) => side.some((part) => part.unit === unit));
  if (!isAlike(first) || !isAlike(last)) return false;
  const toMoment = (side: typeof known): Moment =>
    units.map((unit) => side.find((part) => part.unit === unit)?.value ?? 0);
  const present = units.map((unit) => clock[unit]);
  return isWithin(present, toMoment(first), toMoment(last), units[0] === 'year' ? 'forwards' : 'cyclic');
}

function readDatePart(word: PacValue): { readonly unit: DateUnit; readonly value: number } | undefined {
  const month = months.indexOf(String(word).toUpperCase());
  if (month >= 0) return { unit: 'month', value: month };
  const value = Number(word);
  if (!Number.isInteger(value) || value < 1) return undefined;
  return value <= 31 ? { unit: 'day', value } : { unit: 'year', value };
}

/**
 * True if the time fits: an hour, a range of hours whose last one counts as a whole, or a range of two times with
 * minutes, or with minutes and seconds. A range may go over midnight. A last time without seconds includes its minute.
 */
export function timeRange(now: Date, args: readonly PacValue[]): boolean {
  const { clock, words } = readClock(now, args);
  const numbers = words.map(Number);
  if (numbers.some((number) => !Number.isInteger(number))) return false;
  const time: Moment = [clock.hour, clock.minute, clock.second];
  switch (numbers.length) {
    case 1:
      return numbers[0] === clock.hour;
    case 2:
      return isWithin(time.slice(0, 1), numbers.slice(0, 1), numbers.slice(1));
    case 4:
      return isWithin(time.slice(0, 2), numbers.slice(0, 2), numbers.slice(2));
    case 6:
      return isWithin(time, numbers.slice(0, 3), numbers.slice(3));
    default:
      return false;
  }
}

/** True if a moment lies in a range with both ends; a `cyclic` range whose end is before its beginning goes around. */
function isWithin(moment: Moment, first: Moment, last: Moment, kind: 'cyclic' | 'forwards' = 'cyclic'): boolean {
  const [after, before] = [compare(moment, first) >= 0, compare(moment, last) <= 0];
  return kind === 'cyclic' && compare(first, last) > 0 ? after || before : after && before;
}

function compare(one: Moment, other: Moment): number {
  for (const [index, value] of one.entries()) {
    const difference = value - (other[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
