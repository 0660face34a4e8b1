import type { CommandSpec } from '../../parse/command.ts';
import { frontKinds } from '../../../fronts/index.ts';
import { listSchemes } from '../../options/hops.ts';
import { formatBash } from './bash.ts';
import { formatFish } from './fish.ts';
import { listWords } from './words.ts';
import { formatZsh } from './zsh.ts';

const formatters: Readonly<Record<string, typeof formatBash>> = { bash: formatBash, fish: formatFish, zsh: formatZsh };

/** Writes the completion script of a shell for these commands; undefined for an unknown shell. */
export function formatCompletion(shell: string, commands: readonly CommandSpec[]): string | undefined {
  const format = Object.hasOwn(formatters, shell) ? formatters[shell] : undefined;
  return format?.(listWords(commands, listSchemes(), frontKinds));
}
