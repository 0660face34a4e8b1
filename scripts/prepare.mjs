// npm runs this before it packs, links or installs this folder. `npm install -g .` links a folder without
// installing its build dependencies, so this script installs them if they are missing.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

function run(file, args, env = process.env) {
  const { status, error } = spawnSync(file, args, { cwd: root, env, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

/** The environment for a nested npm: a global install outside must not make it install globally too. */
function innerEnv() {
  const outer = /^npm_config_(?:global|location|prefix|local_prefix|global_prefix|omit|include|production)$/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !outer.test(name)));
}

if (!existsSync(`${root}node_modules/esbuild`)) {
  console.error('tunl: installing what the build needs');
  const npm = process.env.npm_execpath;
  const args = ['ci', '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund'];
  if (npm) run(process.execPath, [npm, ...args], innerEnv());
  else run('npm', args, innerEnv());
}
run(process.execPath, [`${root}scripts/build.mjs`]);
