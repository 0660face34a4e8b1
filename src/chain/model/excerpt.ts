import stringWidth from 'fast-string-width';
import { toPrintable } from '../../syntax/text.ts';

/** What a terminal shows of a line beside its number. */
const maxShown = 84;

const hidden = '***';

/** Values that may be secrets, behind what says so: users in URLs, keys about passwords, and users with theirs. */
const secrets = [
  /(?<=:\/\/)[^\s@]*(?:@[^\s@]*)*(?=@)/gi,
  /(?<=[\w-]*(?:pas|pwd|secret|token|auth|cookie|api-?key|private|inline_)[\w-]*["']?\s*:\s*)(?!["']?(?:\$\{|file:|[{[]))\S.*$/gi,
  /(?<=\busers["']?\s*:\s*)\{.*$/gi,
];

/** A line below which secrets stand, each on a line of its own. */
const secretParent =
  /(?:\busers|[\w-]*(?:pas|pwd|secret|token|auth|cookie|api-?key|private|inline_)[\w-]*)["']?\s*:\s*[|>]?[+-]?\s*$/i;

/** The value behind the first key of a line, or all of it, unless it only refers to a secret. */
const anyValue = [
  /(?<=^\s*(?:- +)?[^\s:]+:\s+)(?!["']?(?:\$\{|file:))\S.*$/g,
  /(?<=^\s*)(?![^\s:]+:\s|["']?(?:\$\{|file:))\S.*$/g,
];

/** A line of a file with a place in it; both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Draws a line of a file with a caret under a place, as compilers do, without secrets. */
export function drawExcerpt(text: string, { line, column }: Place): string[] {
  const lines = text.split(/\r?\n/).slice(0, line);
  const written = lines.pop();
  if (written === undefined || written.trim() === '') return [];
  const parent = lines.findLast((above) => above.trim() !== '' && indentOf(above) < indentOf(written)) ?? '';
  const patterns = secretParent.test(parent) ? [...secrets, ...anyValue] : secrets;
  const found = patterns.reduce(hide, { shown: written.replaceAll('\t', ' '), at: column - 1 });
  const shown = toPrintable(found.shown);
  const start = found.at > maxShown - 10 ? found.at - maxShown / 2 : 0;
  const lead = start > 0 ? '…' : '';
  const rest = shown.slice(start, start + maxShown) + (shown.length > start + maxShown ? '…' : '');
  const caret = ' '.repeat(stringWidth(lead + shown.slice(start, found.at)));
  const number = String(line);
  return [`  ${number} | ${lead}${rest}`.trimEnd(), `  ${' '.repeat(number.length)} | ${caret}^`];
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

interface Shown {
  readonly shown: string;
  readonly at: number;
}

/** Replaces what a pattern finds, and moves the place with the text behind it. */
function hide({ shown, at }: Shown, pattern: RegExp): Shown {
  let moved = at;
  const text = shown.replaceAll(pattern, (value: string, offset: number) => {
    if (at >= offset + value.length) moved += hidden.length - value.length;
    else if (at > offset) moved = moved - at + offset;
    return hidden;
  });
  return { shown: text, at: moved };
}
