import type { HopSetting } from '../../core/carrier.ts';
import { usageError } from '../../core/errors.ts';
import { noToken, type Scheme } from '../model/scheme.ts';

const file = 'token-file';
const command = 'token-command';

/** Settings of a hop that name the place of a token. */
export const tokenSettings: readonly HopSetting[] = [
  {
    name: file,
    summary: 'a token for Bearer is the first line of this file, read anew for each connection',
    parse: parseText,
    isPath: true,
  },
  {
    name: command,
    summary: 'a token for Bearer is the first line that this command prints; not taken from a variable',
    parse: parseText,
  },
];

/** A token from a file or a command (RFC 6750). */
export const bearer: Scheme = {
  name: 'bearer',
  title: 'Bearer',
  binding: 'request',
  summary: 'a token from a file or a command',
  obstacle({ settings, variable }) {
    if (settings[file] !== undefined) return undefined;
    if (settings[command] === undefined) return noToken;
    return variable === undefined ? undefined : `a command is not taken from ${variable}`;
  },
  open: async ({ settings }) => {
    const { openToken } = await import('../bearer/token.ts');
    return openToken(settings[file] === undefined ? { command: settings[command] ?? '' } : { file: settings[file] });
  },
};

function parseText(value: string): string {
  if (value !== '') return value;
  throw usageError('a value is not empty');
}
