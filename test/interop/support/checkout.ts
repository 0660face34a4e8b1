import { execFileSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Result, run, type RunOptions } from './process.ts';
import { makeFolder } from './workspace.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Copies what git knows of the repository, and these files beside it, to a folder. Returns its path. */
export function copyCheckout(...more: readonly string[]): string {
  const copy = makeFolder('copy');
  const files = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean);
  for (const file of [...files, ...more]) cpSync(join(root, file), join(copy, file), { recursive: true });
  return copy;
}

/** A request that the registry leaves without an answer is tried again, within the time of a test; npm waits for 5 minutes. */
const patience = { npm_config_fetch_timeout: '30000', npm_config_audit: 'false', npm_config_fund: 'false' };

/** Runs commands of npm up to the first that fails; its own cache saves most downloads. */
export function runNpm(
  script: string,
  cwd: string,
  env: Readonly<Record<string, string>>,
  options: RunOptions,
): Promise<Result> {
  const cache = execFileSync('npm', ['config', 'get', 'cache'], { encoding: 'utf8' }).trim();
  const settings = { npm_config_cache: cache, npm_config_prefer_offline: 'true', ...patience, ...env };
  return run({ file: 'bash', args: ['-ec', script], cwd, env: settings }, options);
}
