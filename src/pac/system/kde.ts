import { homedir } from 'node:os';
import { join } from 'node:path';
import { type NamedWay, readPlace } from '../ways/result.ts';
import { parseExceptions } from './exceptions.ts';
import { discoveryError, type ReadSettings, type SettingsEnv, type SystemSettings } from './settings.ts';

const from = "KDE's setting for proxies";

/** Reads the settings of KDE from the file `kioslaverc` in the folder for configuration. */
export async function readKde({ env, readFile }: SettingsEnv): Promise<ReadSettings> {
  const folder = env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config');
  return { from, settings: parseKde(await readFile(join(folder, 'kioslaverc')), env) };
}

/**
 * Reads the group `Proxy Settings` of a `kioslaverc`.
 * @param env the variables that the file may name in the place of proxies
 * @throws {TunlError} proxy_configuration_error, if the network is to name the PAC file
 */
export function parseKde(file: string, env: SettingsEnv['env']): SystemSettings {
  const group = readGroup(file, 'Proxy Settings');
  switch (group.get('ProxyType') ?? '0') {
    case '1':
      return readManual((key) => group.get(key) ?? '', group.get('ReversedException') === 'true');
    case '2': {
      const url = group.get('Proxy Config Script') ?? '';
      return url === '' ? { kind: 'none' } : { kind: 'pac', url };
    }
    case '3':
      throw discoveryError(from);
    case '4':
      return readManual((key) => env[group.get(key) ?? ''] ?? '', false);
    default:
      return { kind: 'none' };
  }
}

function readManual(find: (key: string) => string, isReversed: boolean): SystemSettings {
  const way = readWay(find('httpsProxy')) ?? readWay(find('httpProxy')) ?? readWay(find('socksProxy'));
  if (!way) return { kind: 'none' };
  const exceptions = parseExceptions(find('NoProxyFor').split(/[,\s]+/), { areSuffixes: true, isReversed });
  return { kind: 'manual', ways: [way], exceptions };
}

/** Reads a proxy: `http://host port`, with a blank before the port, or a colon as in a URL. */
function readWay(text: string): NamedWay | undefined {
  const [, scheme = 'http', host = '', port] = /^(?:(\w+):\/\/)?([^\s/]+?)(?:[ :](\d+))?\/?$/.exec(text.trim()) ?? [];
  const isSocks = /^socks/i.test(scheme);
  const place = host === '' ? undefined : readPlace(port === undefined ? host : `${host}:${port}`, isSocks ? 1080 : 80);
  if (!place) return undefined;
  if (isSocks) return { kind: 'proxy', scheme: /^socks4/i.test(scheme) ? 'socks4' : 'socks5h', ...place };
  return { kind: 'proxy', scheme: scheme === 'https' ? 'https' : 'http', ...place };
}

/** Reads the keys of one group of an INI file of KDE. Keys may have a locale or flags in brackets behind them. */
function readGroup(file: string, name: string): ReadonlyMap<string, string> {
  const lines = file.split(/\r?\n/);
  const start = lines.indexOf(`[${name}]`) + 1;
  if (start === 0) return new Map();
  const end = lines.findIndex((line, index) => index >= start && line.startsWith('['));
  return new Map(
    lines.slice(start, end < 0 ? undefined : end).flatMap((line): [string, string][] => {
      const [, key = '', value = ''] = /^([^=[]+?)\s*(?:\[[^\]]*\])*\s*=\s*(.*)$/.exec(line) ?? [];
      return key === '' ? [] : [[key.trim(), value.trim()]];
    }),
  );
}
