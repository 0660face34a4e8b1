import { carriers, schemes } from '../../carriers/index.ts';
import type { Config } from '../../config/config.ts';
import { type ConfigPlace, readConfigText } from '../../config/place.ts';
import type { ConfigForm } from '../../config/schema.ts';
import { covers, parseRule } from '../../policy/rules.ts';

export { configVariable, findConfigPlace } from '../../config/place.ts';
export type { Config, DraftWay, NamedWay } from '../../config/config.ts';

/**
 * Loads the configuration of the user; undefined if there is no file in the usual place. The reader of YAML is loaded
 * only if there is one.
 * @throws {TunlError} usage, with file, line and column
 */
export async function loadConfig(
  place: ConfigPlace,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Config | undefined> {
  const text = readConfigText(place);
  if (!text) return undefined;
  const [{ Config: Reader }, form] = await Promise.all([import('../../config/config.ts'), makeConfigForm()]);
  return new Reader(text, { env, schemes, form, parsePattern });
}

function parsePattern(text: string) {
  const rule = parseRule(text);
  return (target: Parameters<typeof covers>[1]) => covers(rule, target);
}

/** Makes the form of the file: a proxy has the settings of all carriers. */
export async function makeConfigForm(): Promise<ConfigForm> {
  const { ConfigForm: Form } = await import('../../config/schema.ts');
  const settings = new Map(carriers.flatMap((carrier) => carrier.settings.map((setting) => [setting.name, setting])));
  return new Form([...settings.values()]);
}
