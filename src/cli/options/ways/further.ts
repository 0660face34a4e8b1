import type { RouteOptions } from '../../../app/commands/options.ts';
import { usageError } from '../../../core/errors.ts';
import type { TlsConfig } from '../../../syntax/tls.ts';
import type { Arguments } from '../../parse/arguments.ts';
import type { CommandContext } from '../../parse/command.ts';
import { directOption, proxyOption, readChoices, readRest, readTunnelRequestOptions } from '../route.ts';

/**
 * Reads the further proxies of `serve`, which takes none from the configuration or the environment.
 * @throws {TunlError} usage; interrupted, if a signal comes instead of a password
 */
export async function readFurtherRoute(
  args: Arguments,
  context: CommandContext,
  tls: TlsConfig,
): Promise<Omit<RouteOptions, 'limits'>> {
  const urls = args.get(proxyOption);
  if (args.get(directOption) && urls.length > 0) throw usageError('--direct and -x contradict each other');
  refuseNames(urls, 'serve');
  const fallbacks = { tls, ...readTunnelRequestOptions(args), source: '-x', takesCommand: true };
  return { hops: await readChoices(args, context, { ...fallbacks, texts: urls }), ...readRest(args) };
}

/** Refuses names in a command that reads no configuration. @throws {TunlError} usage */
export function refuseNames(texts: readonly string[], command: string): void {
  const name = texts.flatMap((text) => text.split('|')).find((text) => text.trim().startsWith('@'));
  if (name === undefined) return;
  throw usageError(
    `${name.trim()} is a name of the configuration, and tunl ${command} reads none`,
    'write the URL of the proxy',
  );
}
