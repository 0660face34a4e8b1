import { formatHostPort } from '../../core/address.ts';
import { readPlace } from '../ways/result.ts';
import { parseExceptions } from './exceptions.ts';
import { discoveryError, type ReadSettings, type SettingsEnv, type SystemSettings } from './settings.ts';

const schema = 'org.gnome.system.proxy';
const from = "GNOME's setting for proxies";

/** Reads the settings of GNOME, which many other desktops use too, by asking gsettings. */
export async function readGnome({ run }: SettingsEnv): Promise<ReadSettings> {
  return { from, settings: parseGnome(await run('gsettings', ['list-recursively', schema])) };
}

/**
 * Reads the output of `gsettings list-recursively org.gnome.system.proxy`: a schema, a key and a value in each line.
 * @throws {TunlError} proxy_configuration_error, if the network is to name the PAC file
 */
export function parseGnome(output: string): SystemSettings {
  const values = new Map(
    output.split('\n').flatMap((line): [string, string][] => {
      const [, name = '', key = '', value = ''] =
        /^org\.gnome\.system\.proxy(\.\w+)? (\S+) (.*)$/.exec(line.trim()) ?? [];
      return key === '' ? [] : [[`${name.slice(1)} ${key}`.trim(), value]];
    }),
  );
  const text = (key: string) => readStrings(values.get(key) ?? '')[0] ?? '';
  switch (text('mode')) {
    case 'auto': {
      const url = text('autoconfig-url');
      if (url === '') throw discoveryError(from);
      return { kind: 'pac', url };
    }
    case 'manual':
      break;
    default:
      return { kind: 'none' };
  }
  const place = (name: string) => {
    const [host, port] = [text(`${name} host`), Number(values.get(`${name} port`) ?? '0')];
    return host === '' || port === 0 ? undefined : readPlace(formatHostPort(host, port), port);
  };
  const proxy = place('https') ?? place('http');
  const socks = place('socks');
  const exceptions = parseExceptions(readStrings(values.get('ignore-hosts') ?? ''));
  if (proxy) return { kind: 'manual', ways: [{ kind: 'proxy', scheme: 'http', ...proxy }], exceptions };
  if (socks) return { kind: 'manual', ways: [{ kind: 'proxy', scheme: 'socks5h', ...socks }], exceptions };
  return { kind: 'none' };
}

/** Reads the strings in a value of GVariant: `'text'`, or `['one', 'two']`. */
function readStrings(value: string): string[] {
  return [...value.matchAll(/'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/g)].map(([, single, double]) =>
    (single ?? double ?? '').replaceAll(/\\(.)/g, '$1'),
  );
}
