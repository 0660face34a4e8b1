import { redact } from '../../syntax/hop-url.ts';

/**
 * Writes the command line for the list of processes, without the user information and settings of proxies and without
 * the values of headers. Returns undefined if there is nothing to hide.
 */
export function formatTitle(words: readonly string[]): string | undefined {
  const end = words.indexOf('--');
  const own = end < 0 ? words : words.slice(0, end);
  const shown = own.map((word, index) => hide(word, own[index - 1] ?? ''));
  if (shown.every((word, index) => word === own[index])) return undefined;
  return ['tunl', ...shown, ...words.slice(own.length)].join(' ');
}

/** Options with an attached value that may be a secret. */
const attached = /^(-x=?|--proxy=)(.*)$/s;
const attachedHeader = /^(--proxy-header=)(.*)$/s;

function hide(word: string, before: string): string {
  if (before === '-x' || before === '--proxy') return hideUrls(word);
  if (before === '--proxy-header') return hideHeader(word);
  const [, option = '', value] = attached.exec(word) ?? attachedHeader.exec(word) ?? [];
  if (value === undefined) return word;
  return option + (attachedHeader.test(word) ? hideHeader(value) : hideUrls(value));
}

function hideUrls(text: string): string {
  return text.split('|').map(redact).join('|');
}

function hideHeader(text: string): string {
  return text.replace(/:.*$/s, ': ***');
}
