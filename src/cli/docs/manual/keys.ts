import { capSettings } from '../../../syntax/settings.ts';
import { proxySettings, ruleSettings, type Setting } from '../../../syntax/stage-settings.ts';

/** The keys of a proxy in files that are options of `serve` too. */
export function listProxyKeys(): string {
  const isOption = (setting: Setting) => setting.flag !== undefined;
  const listed = (group: (typeof proxySettings)[number]['listed']) =>
    proxySettings.filter((setting) => setting.listed === group);
  const names = (settings: readonly Setting[]) => settings.filter(isOption).map(({ key }) => `\`${key}\``);
  const all = [
    '`accept`',
    ...names(listed('accepts')),
    '`users`',
    ...names([...ruleSettings, ...listed('who')]),
    listCaps(),
    ...names(listed('running')),
  ];
  return `${all.slice(0, -1).join(', ')} and ${all.at(-1)}`;
}

/** The keys of the caps in files; those that go on from another stand behind it in brackets. */
function listCaps(): string {
  const keys: readonly string[] = capSettings.map(({ key }) => key);
  const goesOn = (key: string) => keys.find((other) => key.startsWith(`${other}-`));
  return keys
    .filter((key) => goesOn(key) === undefined)
    .map((key) => {
      const ends = keys.filter((other) => goesOn(other) === key).map((other) => `\`${other.slice(key.length)}\``);
      return ends.length === 0 ? `\`${key}\`` : `\`${key}\` (${ends.join(', ')})`;
    })
    .join(', ');
}
