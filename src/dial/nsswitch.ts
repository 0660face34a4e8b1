import { readFileSync } from 'node:fs';

/** Sources that our own resolver uses too: the hosts file and the name servers. */
const plainServices: ReadonlySet<string> = new Set(['files', 'dns']);

/**
 * True if the system has other sources of hosts than a hosts file and name servers. The line `hosts:` of
 * nsswitch.conf(5) lists them: `resolve`, `mdns4_minimal`, `sss`, `ldap`, `myhostname`. Actions in brackets, such as
 * `[NOTFOUND=return]`, are not sources.
 */
export function knowsMoreHosts(nsswitch: string): boolean {
  const line = /^[ \t]*hosts:([^\n#]*)/m.exec(nsswitch)?.[1] ?? '';
  const services = line.replaceAll(/\[[^\]]*\]?/g, ' ').split(/\s+/);
  return services.some((service) => service !== '' && !plainServices.has(service));
}

/** Reads a file for `knowsMoreHosts`; false if it cannot be read. */
export function fileKnowsMoreHosts(path: string): boolean {
  try {
    return knowsMoreHosts(readFileSync(path, 'utf8'));
  } catch {
    return false;
  }
}
