import type { ForwardSpec, FrontAccess, FrontSpec } from '../../../app/commands/options.ts';
import type { ListenAddress } from '../../../core/address.ts';
import { usageError } from '../../../core/errors.ts';
import { frontKinds } from '../../../fronts/index.ts';
import { parseListen, splitFront } from '../../../syntax/listen.ts';
import { proxySettings, ruleSettings } from '../../../syntax/stage-settings.ts';
import { quote } from '../../../syntax/text.ts';
import type { Arguments } from '../../parse/arguments.ts';
import type { OptionGroup } from '../../parse/command.ts';
import { readSettings, settingOptions } from '../../parse/setting.ts';
import { readUsers, userOptions } from './users.ts';

const openSettings = proxySettings.filter((setting) => setting.field === 'open');

const options = [...userOptions, ...settingOptions(openSettings), ...settingOptions(ruleSettings)];

/** The options about the clients of fronts. */
export const frontGroup: OptionGroup = {
  title: 'Who may use fronts (socks:, http:, any:), and to go where',
  options,
};

/** Reads an address to listen on in a place where no front may stand before it. @throws {TunlError} usage */
export function parseBareListen(text: string): ListenAddress {
  if (/^[a-z][\w+.-]*:\/\//i.test(text))
    throw usageError(`${quote(text)} is a URL, not an address`, 'a proxy is named by -x');
  const written = splitFront(text, frontKinds);
  if (!written) return parseListen(text);
  throw usageError(
    `${quote(text)} begins with the kind of a front`,
    `write tunl forward ${text}, or listen: ${text} for a stage in a file of chain`,
  );
}

/** True for a SPEC whose clients name their targets. */
export function isFront(spec: ForwardSpec | FrontSpec): spec is FrontSpec {
  return 'front' in spec;
}

/**
 * Reads the access to fronts; undefined if no SPEC is one.
 * @throws {TunlError} usage, also if an option for fronts is given and there is none
 */
export function readAccess(
  args: Arguments,
  env: Readonly<Record<string, string | undefined>>,
  specs: readonly (ForwardSpec | FrontSpec)[],
): FrontAccess | undefined {
  if (!specs.some(isFront)) {
    const idle = options.find((each) => args.isGiven(each));
    if (idle) throw usageError(`--${idle.name} is for fronts, and no SPEC is one`, 'write socks:, http: or any: first');
    return undefined;
  }
  const { open = false } = readSettings(args, openSettings);
  return { users: readUsers(args, env), allow: [], deny: [], ...readSettings(args, ruleSettings), open };
}

/**
 * Adds a user with a random password, which only a command is told, so that no other user of this machine gets through. A
 * user of `--user` takes its place.
 */
export async function addSecretUser({ users, ...access }: FrontAccess): Promise<FrontAccess> {
  const { randomBytes } = await import('node:crypto');
  const single = { user: `tunl-${randomBytes(4).toString('hex')}`, password: randomBytes(18).toString('base64url') };
  return { ...access, users: { single, ...users } };
}
