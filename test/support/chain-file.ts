import { schemes } from '../../src/carriers/index.ts';
import { type LoadedGraph, loadGraph } from '../../src/chain/load.ts';
import { parseRule } from '../../src/policy/rules.ts';

/** Loads the text of a file as `chain -c chain.yaml` does in the folder /etc/tunl. */
export function loadText(text: string, env: Readonly<Record<string, string>> = {}): LoadedGraph {
  return loadGraph(text, {
    name: 'chain.yaml',
    env,
    folder: '/etc/tunl',
    schemes,
    switches: ['post', 'hbone', 'hbone-local'],
    checkRule: (rule) => void parseRule(rule),
  });
}
