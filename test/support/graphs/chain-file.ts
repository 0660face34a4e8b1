import { loadPatterns } from '../../../src/chain/model/pattern.ts';
import { schemes } from '../../../src/carriers/index.ts';
import { type LoadedGraph, loadGraph } from '../../../src/chain/read/load.ts';
import { frontKinds } from '../../../src/fronts/index.ts';
import { parseRule } from '../../../src/policy/rules.ts';

// As `chain` does for files with patterns.
await loadPatterns();

/** Loads the text of a file as `chain -c chain.yaml` does, relative to a folder. */
export function loadText(text: string, env: Readonly<Record<string, string>> = {}, folder = '/etc/tunl'): LoadedGraph {
  return loadGraph(text, {
    name: 'chain.yaml',
    env,
    folder,
    schemes,
    switches: ['post', 'hbone', 'hbone-local', 'plain'],
    frontKinds,
    checkRule: (rule) => void parseRule(rule),
  });
}
