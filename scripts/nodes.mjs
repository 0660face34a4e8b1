// Other versions of Node, from npm: kept in tunl-nodes/ in the user's cache. Remove the folder to get newer releases.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

/**
 * Returns the path of the newest Node of a version, `26` or `26.10.0`, its full version, and the folder of its package;
 * downloads it if it is not there yet.
 * @throws {Error} if that fails
 */
export function installNode(version) {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const folder = join(cache, 'tunl-nodes', version);
  // The package `node` runs a script that downloads one of these packages; installing one directly needs no script.
  const isWindows = process.platform === 'win32';
  const prefix = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node';
  const name = [prefix, isWindows ? 'win' : process.platform, process.arch].join('-');
  const home = join(folder, 'node_modules', name);
  const path = join(home, 'bin', isWindows ? 'node.exe' : 'node');
  if (!existsSync(path)) install(`${name}@${version}`, folder);
  const { stdout, error } = spawnSync(path, ['--version'], { encoding: 'utf8' });
  const found = stdout?.trim().slice(1);
  if (!found || !isOf(found, version)) {
    throw new Error(
      `${path} is not Node ${version}: ${error?.message ?? `it says ${found}`}\nremove ${folder} to start anew`,
    );
  }
  return { path, version: found, home };
}

/** True if a full version is of a line, as 26.10.0 is of 26. */
export function isOf(version, line) {
  return version === line || version.startsWith(`${line}.`);
}

function install(wanted, folder) {
  console.log(`== ${wanted} is fetched into ${folder}`);
  mkdirSync(folder, { recursive: true });
  const options = [
    '--prefix',
    folder,
    '--no-save',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel',
    'error',
  ];
  const { status, error } = spawnSync('npm', ['install', ...options, wanted], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error(`npm could not fetch ${wanted}: ${error?.message ?? `it ended with ${status}`}`);
}
