import * as fs from 'node:fs';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import type { Ip } from '../core/address.ts';

// `node:fs/promises` brings twenty more built-in modules, for which ssh would wait at each start.
const [stat, readFile] = [promisify(fs.stat), promisify(fs.readFile)];

/** A hosts file, which the resolver library does not read itself. */
export interface HostsFile {
  /** Finds the addresses of a lower-case name, in the file's order; empty if it has none. */
  lookup(name: string): Promise<readonly Ip[]>;
}

/** Opens a hosts file, which is read again whenever it changes. A missing file has no names. */
export function openHostsFile(path: string): HostsFile {
  let stamp = '';
  let names = new Map<string, Ip[]>();
  return {
    async lookup(name) {
      const now = await stat(path).then(
        ({ mtimeMs, size, ino }) => `${mtimeMs} ${size} ${ino}`,
        () => '',
      );
      if (now !== stamp) {
        names = now === '' ? new Map() : parseHosts(await readFile(path, 'utf8').catch(() => ''));
        stamp = now;
      }
      return names.get(name) ?? [];
    },
  };
}

function parseHosts(text: string): Map<string, Ip[]> {
  const names = new Map<string, Ip[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/);
    const family = isIP(address);
    if (family !== 4 && family !== 6) continue;
    for (const alias of aliases) {
      const name = alias.toLowerCase();
      const known = names.get(name) ?? [];
      names.set(name, [...known, { address, family }]);
    }
  }
  return names;
}
