import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from './process.ts';
import { hasWorld } from './world.ts';

/** A service of nsswitch that knows one name, and gives no answer for another for ten minutes. */
const source = `
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <nss.h>
#include <string.h>
#include <unistd.h>
struct found { char *aliases[1]; char *addresses[2]; struct in_addr address; char name[64]; };
enum nss_status _nss_company_gethostbyname2_r(
  const char *name, int family, struct hostent *host, char *buffer, size_t size, int *error, int *host_error) {
  struct found *found = (struct found *)buffer;
  if (strcmp(name, "stuck.corp") == 0) sleep(600);
  if (strcmp(name, "db.corp") != 0 || family != AF_INET) {
    *host_error = HOST_NOT_FOUND;
    return NSS_STATUS_NOTFOUND;
  }
  if (size < sizeof(struct found)) {
    *error = ERANGE;
    *host_error = NETDB_INTERNAL;
    return NSS_STATUS_TRYAGAIN;
  }
  inet_pton(AF_INET, "127.0.0.1", &found->address);
  strcpy(found->name, name);
  found->aliases[0] = found->addresses[1] = NULL;
  found->addresses[0] = (char *)&found->address;
  host->h_name = found->name;
  host->h_aliases = found->aliases;
  host->h_addrtype = AF_INET;
  host->h_length = 4;
  host->h_addr_list = found->addresses;
  return NSS_STATUS_SUCCESS;
}
`;

/** True where such a service can be built and put in. */
export const hasCompanyNames: boolean = hasWorld && spawnSync('gcc', ['--version']).status === 0;

/** Builds the service, which alone knows `db.corp`. The result turns a command into one that runs with the service. */
export function buildCompanyNames(folder: string): (command: Command) => Command {
  const [code, library, config] = ['company.c', 'libnss_company.so.2', 'nsswitch.conf'].map((name) =>
    join(folder, name),
  );
  writeFileSync(String(code), source);
  writeFileSync(String(config), 'hosts: files company dns\n');
  const built = spawnSync('gcc', ['-shared', '-fPIC', '-o', String(library), String(code)], { encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`gcc: ${built.stderr}`);
  const script = 'mount --bind "$1" /etc/nsswitch.conf && shift && exec "$@"';
  return ({ file, args, env }) => ({
    file: 'unshare',
    args: ['--mount', 'sh', '-c', script, 'sh', String(config), file, ...args],
    env: { ...env, LD_LIBRARY_PATH: folder },
  });
}
