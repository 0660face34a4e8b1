import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { helperEnvironment } from '../../core/environment.ts';
import { TunlError } from '../../core/errors.ts';
import { readGnome } from './gnome.ts';
import { readKde } from './kde.ts';
import { readMacos } from './macos.ts';
import { type ReadSettings, settingsError, type SettingsEnv } from './settings.ts';
import { readWindows } from './windows.ts';

/** The time that a program of the system may take, in milliseconds, and the longest output that is read, in bytes. */
const [limitMs, maxBytes] = [5000, 256 * 1024];

/** Makes the facilities of this machine. */
export function systemEnv(env: SettingsEnv['env'] = process.env): SettingsEnv {
  return {
    platform: process.platform,
    env,
    run: async (program, args) => {
      const options = {
        timeout: limitMs,
        maxBuffer: maxBytes,
        windowsHide: true,
        env: helperEnvironment(env),
        encoding: 'utf8',
      } as const;
      const { stdout } = await promisify(execFile)(program, args, options);
      return stdout;
    },
    readFile: (path) => readFile(path, 'utf8'),
  };
}

/**
 * Reads the settings for proxies of the system: those of macOS or Windows, or those of the desktop that runs. Nothing is
 * asked of the network.
 * @throws {TunlError} proxy_configuration_error, if there are none that can be read, or the network is to name a PAC file
 */
export async function readSystem(env: SettingsEnv): Promise<ReadSettings> {
  const failures: string[] = [];
  for (const read of listReaders(env)) {
    try {
      return await read(env);
    } catch (error) {
      if (error instanceof TunlError) throw error;
      failures.push(describe(error as NodeJS.ErrnoException));
    }
  }
  throw settingsError(
    `the system has no settings for proxies that can be read: ${failures.join('; ')}`,
    'name the proxy: -x http://PROXY:PORT, or the PAC file: -x pac+http://HOST/PATH',
  );
}

function listReaders({ platform, env }: SettingsEnv): readonly ((env: SettingsEnv) => Promise<ReadSettings>)[] {
  if (platform === 'darwin') return [readMacos];
  if (platform === 'win32') return [readWindows];
  return /(?:^|:)KDE(?:$|:)/i.test(env['XDG_CURRENT_DESKTOP'] ?? '') ? [readKde, readGnome] : [readGnome, readKde];
}

function describe({ code, path, message }: NodeJS.ErrnoException): string {
  const [line = ''] = message.split('\n');
  return code === 'ENOENT' && path !== undefined ? `there is no ${path}` : line;
}
