import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';

/** The tables of groups and users; where they come from elsewhere, nothing is known of a group. */
export interface AccountTables {
  readonly groups: string;
  readonly users: string;
}

/**
 * True if nobody else is in a group: it is our own one, its line names no other member, and no other user has it. With
 * such a group, which most systems give each user, new files may be writable for the group (umask 002).
 */
export function isOwnGroup(gid: number, read: () => AccountTables = readTables, me = userInfo()): boolean {
  if (gid !== me.gid) return false;
  const { groups, users } = read();
  const group = listFields(groups).find(([, , id]) => id === String(gid));
  const members = group?.[3]?.split(',').filter((name) => name !== '') ?? [];
  const primary = listFields(users).filter(([, , , id]) => id === String(gid));
  return group !== undefined && [...members, ...primary.map(([name]) => name)].every((name) => name === me.username);
}

function listFields(table: string): string[][] {
  return table.split('\n').map((line) => line.split(':'));
}

function readTables(): AccountTables {
  try {
    return { groups: readFileSync('/etc/group', 'utf8'), users: readFileSync('/etc/passwd', 'utf8') };
  } catch {
    return { groups: '', users: '' };
  }
}
