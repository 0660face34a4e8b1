import { type TunlError, usageError } from '../../core/errors.ts';
import { quote, quoteSafely } from '../../syntax/text.ts';
import type { OptionSpec } from './option.ts';
import { suggestCommand, suggestOption } from './suggestions.ts';

/** Explains an option that a command does not have. */
export function unknownOption(name: string, command: string, options: readonly OptionSpec[]): TunlError {
  return usageError(
    `unknown option ${quote(name.length > 1 ? `--${name}` : `-${name}`)}`,
    suggestOption(name, options) ?? `tunl ${command} --help-all lists the options`,
  );
}

/** Explains words that do not begin with a command. */
export function unknownCommand(words: readonly string[], names: readonly string[]): TunlError {
  const [name] = words;
  const hint = `the commands are ${names.join(', ')}; see tunl --help`;
  if (name === undefined) {
    return usageError('a command is missing', hint);
  }
  if (name.startsWith('-')) {
    // An option that the command would know, as in `tunl -x URL db:22`.
    const near = words
      .slice(1)
      .concat(name)
      .map((word) => suggestCommand(word, names))
      .find((found) => found !== undefined);
    return near === undefined ? lonelyOption(name, hint) : usageError('a command is missing', near);
  }
  return usageError(`unknown command ${quoteSafely(name)}`, suggestCommand(name, names) ?? hint);
}

/** Explains an option that stands alone. Its value may be a secret, so it is not repeated. */
function lonelyOption(word: string, hint: string): TunlError {
  const option = word.split('=', 1)[0] ?? word;
  // Without a command only what means the same for all of them can be told.
  const meant = suggestOption(option.replace(/^--?/, ''), []);
  return usageError(`a command is missing: ${quote(option)} is an option`, meant ?? hint);
}
