import type { Screen, ScreenRule } from '../model/graph.ts';
import type { RuleConfig, ScreenConfig } from '../read/screens/schema.ts';
import { toFieldConfig, toTextConfig } from './conditions.ts';
import { unwrap } from './route.ts';

/** Writes screens as in a file. */
export function toScreensConfig(screens: readonly Screen[]): ScreenConfig[] {
  return screens.map(({ action, policies }) => ({
    [action]: Object.fromEntries(
      policies.map(({ name, what, who }) => [name, { ...toSide('what', what), ...toSide('who', who) }]),
    ),
  }));
}

function toSide(key: 'what' | 'who', rules: readonly ScreenRule[]): { readonly [side in typeof key]?: unknown } {
  const [first] = rules;
  return rules.length === 1 && first?.kind === 'any' ? {} : { [key]: unwrap(rules.map(toRuleConfig)) };
}

function toRuleConfig(rule: ScreenRule): RuleConfig {
  switch (rule.kind) {
    case 'any':
      return 'any';
    case 'all':
    case 'some':
      return { [rule.kind]: rule.rules.map(toRuleConfig) };
    case 'not':
      return { not: toRuleConfig(rule.rule) };
    case 'field':
      return { headers: toFieldConfig([rule.field]) };
    case 'path':
      return { path: toTextConfig(rule.text) };
    case 'port': {
      const { first, last } = rule;
      return { port: first === last ? first : `${first}-${last}` };
    }
    case 'reached':
    case 'client':
      return { [rule.kind]: rule.range };
    case 'server-name':
      return { 'server-name': toTextConfig(rule.text) };
    case 'identity':
      return { identity: rule.text ? toTextConfig(rule.text) : true };
  }
}
