import { formatHostPort } from '../../core/address.ts';
import { readPlace } from '../ways/result.ts';
import { parseExceptions } from './exceptions.ts';
import { discoveryError, type ReadSettings, type SettingsEnv, type SystemSettings } from './settings.ts';

const from = 'the setting for proxies of macOS';

/** Reads the settings of the network that macOS uses at present, by asking scutil. */
export async function readMacos({ run }: SettingsEnv): Promise<ReadSettings> {
  return { from, settings: parseMacos(await run('scutil', ['--proxy'])) };
}

/**
 * Reads the output of `scutil --proxy`: a dictionary with a key and a value in each line, and lists by their indices.
 * @throws {TunlError} proxy_configuration_error, if the network is to name the PAC file
 */
export function parseMacos(output: string): SystemSettings {
  const values = new Map<string, string>();
  const listed: string[] = [];
  // The keys on the way to a line; settings of single networks are further inside.
  const inside: string[] = [];
  for (const line of output.split('\n')) {
    const [, key = '', value = ''] = /^\s*(\w+) : (.*)$/.exec(line) ?? [];
    if (line.trim() === '}') inside.pop();
    else if (line.trimEnd().endsWith('{')) inside.push(key);
    else if (inside.length === 1) values.set(key, value.trim());
    else if (inside.length === 2 && inside[1] === 'ExceptionsList') listed.push(value.trim());
  }
  const isOn = (key: string) => values.get(`${key}Enable`) === '1';
  if (isOn('ProxyAutoConfig')) {
    const url = values.get('ProxyAutoConfigURLString') ?? '';
    if (url !== '') return { kind: 'pac', url };
  }
  if (isOn('ProxyAutoDiscovery')) throw discoveryError(from);
  const place = (name: string, usualPort: number) => {
    const host = values.get(`${name}Proxy`) ?? '';
    if (!isOn(name) || host === '') return undefined;
    const port = values.get(`${name}Port`) ?? String(usualPort);
    return readPlace(formatHostPort(host, port), usualPort);
  };
  const exceptions = parseExceptions([...listed, ...(values.get('ExcludeSimpleHostnames') === '1' ? ['<local>'] : [])]);
  const proxy = place('HTTPS', 443) ?? place('HTTP', 80);
  if (proxy) return { kind: 'manual', ways: [{ kind: 'proxy', scheme: 'http', ...proxy }], exceptions };
  const socks = place('SOCKS', 1080);
  if (socks) return { kind: 'manual', ways: [{ kind: 'proxy', scheme: 'socks5h', ...socks }], exceptions };
  return { kind: 'none' };
}
