import { carriers, schemes } from '../../carriers/index.ts';
import type { Config } from '../../config/config.ts';
import { type ConfigPlace, configVariable, findConfigPlace, readConfigText } from '../../config/place.ts';
import { type TunlError, usageError } from '../../core/errors.ts';
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

/**
 * Says why a name stands for nothing: there is no configuration.
 * @param text the name with its `@`
 * @param isRefused true if the command line says that none is to be read
 */
export function explainMissing(
  text: string,
  env: Readonly<Record<string, string | undefined>>,
  isRefused: boolean,
): TunlError {
  const what = `${text} is a name of the configuration`;
  if (isRefused) return usageError(`${what}, and --no-config reads none`);
  const place = findConfigPlace(env);
  if (place) return usageError(`${what}, and there is no ${place.path}`, 'tunl config says how to begin one');
  return usageError(
    `${what}, and none is read`,
    env[configVariable] === ''
      ? `${configVariable} is empty`
      : `neither ${configVariable} nor XDG_CONFIG_HOME nor HOME says where it is`,
  );
}
