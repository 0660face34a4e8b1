import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isAuthSaid } from '../auth/knowledge.ts';
import { triesModes } from '../carriers/index.ts';
import type { HopChoice } from '../chain/model/graph.ts';
import { cacheFiles, findCacheFolder, hasCachePlace } from '../core/environment.ts';
import type { Memory } from './memory.ts';
import type { Runtime } from './runtime.ts';

/**
 * Reads what earlier runs learned about these hops, and says with `-v` what that is. Undefined if there is nothing, and
 * nothing to be learned either. The code for it is loaded only when there is. What is saved is written when the scope
 * closes.
 * @param env names the folder for caches; without it nothing is read
 */
export async function recallHops(
  hops: readonly HopChoice[],
  env: Readonly<Record<string, string | undefined>> | undefined,
  { scope, emit }: Pick<Runtime, 'scope' | 'emit'>,
): Promise<Memory | undefined> {
  if (!env || hops.length === 0 || !hasCachePlace(env)) return undefined;
  const folder = findCacheFolder(env);
  const mayLearn = hops.flat().some((hop) => isAuthSaid(hop) || triesModes(hop));
  if (!mayLearn && !Object.values(cacheFiles).some((name) => existsSync(join(folder, name)))) return undefined;
  const { loadMemory } = await import('./memory.ts');
  const memory = await loadMemory(hops, folder, emit);
  scope.defer(() => memory.settle());
  return memory;
}
