#!/usr/bin/env node
import process from 'node:process';
import { version } from './core/version.ts';

// What Node warns of concerns us, not the person at the terminal.
process.removeAllListeners('warning');

const words = process.argv.slice(2);
// Answered before anything heavy is loaded: scripts ask for it often.
if (words.length === 1 && (words[0] === '--version' || words[0] === '-V')) {
  process.stdout.write(`tunl ${version}\n`);
} else {
  const { formatTitle, leave, run } = await import('./cli/index.ts');
  // Only now is it out of sight: what must never be seen does not belong on a command line.
  const title = formatTitle(words);
  if (title !== undefined) process.title = title;
  leave(await run(words, process));
}
