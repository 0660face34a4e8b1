import { type NamedWay, readPlace } from '../ways/result.ts';
import { parseExceptions } from './exceptions.ts';
import type { ReadSettings, SettingsEnv, SystemSettings } from './settings.ts';

const path = String.raw`Software\Microsoft\Windows\CurrentVersion\Internet Settings`;
const policyPath = String.raw`HKLM\Software\Policies\Microsoft\Windows\CurrentVersion\Internet Settings`;

/** Reads the settings of the user, or those of the machine if its policy says that they count, by asking reg. */
export async function readWindows({ run }: SettingsEnv): Promise<ReadSettings> {
  const policy = readValues(await run('reg', ['query', policyPath]).catch(() => ''));
  const isPerUser = policy.get('ProxySettingsPerUser') !== '0x0';
  const values = await run('reg', ['query', `${isPerUser ? 'HKCU' : 'HKLM'}\\${path}`]);
  const from = isPerUser ? "Windows' setting for proxies" : "Windows' setting for proxies of the machine";
  return { from, settings: parseWindows(values) };
}

/** Reads the output of `reg query` for the key `Internet Settings`. */
export function parseWindows(output: string): SystemSettings {
  const values = readValues(output);
  const url = values.get('AutoConfigURL') ?? '';
  if (url !== '') return { kind: 'pac', url };
  if (values.get('ProxyEnable') !== '0x1') return { kind: 'none' };
  const way = readServer(values.get('ProxyServer') ?? '');
  if (!way) return { kind: 'none' };
  const exceptions = parseExceptions((values.get('ProxyOverride') ?? '').split(/[;,\s]+/));
  return { kind: 'manual', ways: [way], exceptions };
}

/** Reads `host:port` for every protocol, or `http=host:port;https=host:port;socks=host:port`. */
function readServer(server: string): NamedWay | undefined {
  const parts = server.split(/[;\s]+/).filter((part) => part !== '');
  const find = (name: string) => parts.find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1);
  const place = (text: string | undefined, usualPort: number) =>
    text === undefined ? undefined : readPlace(text.replace(/^\w+:\/\//, ''), usualPort);
  const proxy = place(find('https') ?? parts.find((part) => !part.includes('=')) ?? find('http'), 80);
  if (proxy) return { kind: 'proxy', scheme: 'http', ...proxy };
  const socks = place(find('socks'), 1080);
  // As in Chrome: the setting knows no other version.
  return socks && { kind: 'proxy', scheme: 'socks4', ...socks };
}

/** Reads the lines of reg: four blanks, a name, its type and its value. */
function readValues(output: string): ReadonlyMap<string, string> {
  return new Map(
    output.split(/\r?\n/).flatMap((line): [string, string][] => {
      const [, name, value = ''] = /^ {4}(.+?) {4}REG_\w+ {4}(.*)$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, value.trim()]];
    }),
  );
}
