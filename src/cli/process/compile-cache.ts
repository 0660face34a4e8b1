import { mkdirSync, statSync } from 'node:fs';
import * as module from 'node:module';
import { isAbsolute, join } from 'node:path';
import process from 'node:process';
import { single } from '../../core/program.ts';

type Environment = Readonly<Record<string, string | undefined>>;

// Since Node 22.1 and 22.10; our types are older.
const { enableCompileCache, flushCompileCache } = module as {
  enableCompileCache?: (folder: string) => unknown;
  flushCompileCache?: () => void;
};

/**
 * Lets Node keep the compiled code of all modules that are loaded from here on, and read it at the next start. Nothing
 * happens where Node or the user has no place for it, or has chosen another by NODE_COMPILE_CACHE, nor in the single
 * executable, which contains compiled code.
 */
export function keepCompiledCode(env: Environment): void {
  if (single || !enableCompileCache || env['NODE_COMPILE_CACHE'] || env['NODE_DISABLE_COMPILE_CACHE']) return;
  const folder = prepareFolder(env);
  if (folder !== undefined) enableCompileCache(folder);
}

/** Writes the compiled code now: V8 rejects what it writes after a change of its flags. */
export function saveCompiledCode(): void {
  flushCompileCache?.();
}

/**
 * Makes our folder among the caches of the user; undefined if there is no place for it. What is read there is run, so
 * nobody else may write to it. Node's own choice is the folder for temporary files, which belongs to everybody.
 */
function prepareFolder({ XDG_CACHE_HOME: caches = '', HOME: home = '' }: Environment): string | undefined {
  const place = isAbsolute(caches) ? caches : home;
  const folder = join(place === home ? join(home, '.cache') : place, 'tunl');
  try {
    // With sudo the home may be another user's, who could not use a folder of root's.
    if (!isAbsolute(place) || !isOwn(place)) return undefined;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return isOwn(folder) && (statSync(folder).mode & 0o022) === 0 ? folder : undefined;
  } catch {
    return undefined;
  }
}

function isOwn(folder: string): boolean {
  return statSync(folder).uid === process.geteuid?.();
}
