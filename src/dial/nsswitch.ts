import { readFileSync } from 'node:fs';

/** Sources that our own resolver asks too: the hosts file and the name servers. */
const plainServices: ReadonlySet<string> = new Set(['files', 'dns']);

/**
 * True where the system finds hosts in other ways than a hosts file and name servers, as the line `hosts:` of
 * nsswitch.conf(5) has them: `resolve`, `mdns4_minimal`, `sss`, `ldap`, `myhostname`. What is to happen after each,
 * `[NOTFOUND=return]`, is no service.
 */
export function knowsMoreHosts(nsswitch: string): boolean {
  const line = /^[ \t]*hosts:([^\n#]*)/m.exec(nsswitch)?.[1] ?? '';
  const services = line.replaceAll(/\[[^\]]*\]?/g, ' ').split(/\s+/);
  return services.some((service) => service !== '' && !plainServices.has(service));
}

/** The same of a file; of none it is not true. */
export function fileKnowsMoreHosts(path: string): boolean {
  try {
    return knowsMoreHosts(readFileSync(path, 'utf8'));
  } catch {
    return false;
  }
}
