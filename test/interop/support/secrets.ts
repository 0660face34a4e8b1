import { createHash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { md4 } from '../../../src/auth/ntlm/md4.ts';
import type { Login } from './part.ts';

/** Lists the forms in which a password could be found somewhere: as it is, encoded, and as the keys made of it. */
export function listForms({ user, password }: Login, realm: string): ReadonlyMap<string, Buffer> {
  const hash = md4(Buffer.from(password, 'utf16le'));
  const digests = ['md5', 'sha256'].map((name) =>
    createHash(name).update(`${user}:${realm}:${password}`).digest('hex'),
  );
  return new Map<string, Buffer>([
    ['the password', Buffer.from(password)],
    ['the password in UTF-16', Buffer.from(password, 'utf16le')],
    ['the password in base64', Buffer.from(Buffer.from(password).toString('base64').replace(/=+$/, ''))],
    ['Basic credentials', Buffer.from(Buffer.from(`${user}:${password}`).toString('base64'))],
    ['the hash of NTLM', hash],
    ['the hash of NTLM in hexadecimal', Buffer.from(hash.toString('hex'))],
    ...digests.map((digest, at) => [`a key of Digest (${at})`, Buffer.from(digest)] as const),
  ]);
}

/** Names the forms that stand in these bytes. */
export function findForms(bytes: Buffer, forms: ReadonlyMap<string, Buffer>): string[] {
  return Array.from(forms)
    .filter(([, form]) => bytes.includes(form))
    .map(([name]) => name);
}

/** Lists the processes that this one has started, and those that they have. */
export function listDescendants(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const [, parent = ''] = /^.*\) \S (\d+) /s.exec(readFileSync(`/proc/${name}/stat`, 'latin1')) ?? [];
      parents.set(Number(name), Number(parent));
    } catch {
      // It has ended meanwhile.
    }
  }
  const isBelow = (child: number | undefined): boolean => {
    const parent = child === undefined ? undefined : parents.get(child);
    return parent === pid || (parent !== undefined && parent > 1 && isBelow(parent));
  };
  return [...parents.keys()].filter(isBelow);
}

/** What can be seen of a process: its arguments, its environment, and all its memory. */
export function readProcess(pid: number): ReadonlyMap<string, Buffer> {
  return new Map([
    ['arguments', readFileSync(`/proc/${pid}/cmdline`)],
    ['environment', readFileSync(`/proc/${pid}/environ`)],
    ['memory', readMemory(pid)],
  ]);
}

/** Reads what a core of the process would hold. */
function readMemory(pid: number): Buffer {
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    const parts = readFileSync(`/proc/${pid}/maps`, 'latin1')
      .split('\n')
      .flatMap((line) => {
        const [, start, end] = /^([0-9a-f]+)-([0-9a-f]+) r/.exec(line) ?? [];
        if (start === undefined || end === undefined || line.endsWith('[vvar]')) return [];
        const [from, to] = [BigInt(`0x${start}`), BigInt(`0x${end}`)];
        return readPart(memory, from, Number(to - from));
      });
    return Buffer.concat(parts);
  } finally {
    closeSync(memory);
  }
}

function readPart(memory: number, position: bigint, bytes: number): Buffer[] {
  const part = Buffer.alloc(bytes);
  try {
    return [part.subarray(0, readSync(memory, part, 0, bytes, position))];
  } catch {
    // Pages that only the kernel reads.
    return [];
  }
}
