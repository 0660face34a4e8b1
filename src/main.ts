#!/usr/bin/env node
import process from 'node:process';
import { keepCompiledCode } from './cli/process/compile-cache.ts';
import { version } from './core/version.ts';

// Node's warnings are for the developers of tunl, not for its users.
process.removeAllListeners('warning');

const words = process.argv.slice(2);
// Scripts ask for the version often, so it is printed before anything heavy is loaded.
if (words.length === 1 && (words[0] === '--version' || words[0] === '-V')) {
  process.stdout.write(`tunl ${version}\n`);
} else {
  keepCompiledCode(process.env);
  const { formatTitle, leave, run } = await import('./cli/index.ts');
  // The arguments can be seen until here, so a secret on the command line is never quite safe.
  const title = formatTitle(words);
  if (title !== undefined) process.title = title;
  leave(await run(words, process));
}
