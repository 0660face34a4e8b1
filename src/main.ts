#!/usr/bin/env node
import process from 'node:process';
import { keepCompiledCode } from './cli/process/compile-cache.ts';
import { version } from './core/program.ts';

// Node's warnings are for the developers of tunl, not for its users.
process.removeAllListeners('warning');

const words = process.argv.slice(2);
// Scripts ask for the version often, so it is printed before anything heavy is loaded.
if (/^(--version|-V)$/.test(words.join())) {
  process.stdout.write(`tunl ${version}\n`);
} else {
  keepCompiledCode(process.env);
  void import('./cli/index.ts').then(({ runProcess }) => runProcess(words));
}
