import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { usageError } from '../../core/errors.ts';
import { quote } from '../../syntax/text.ts';

/** A file that appears with its whole text when it is published, and stays until it is removed. */
export interface PortFile {
  /** Writes the file. @throws {TunlError} usage, if it cannot be written after all */
  publish(text: string): void;
  /** Removes the file, unless another program has replaced it. */
  remove(): void;
}

/**
 * Prepares a port file, so that publishing it can hardly fail. A file of an earlier run is removed, because a program
 * that waits for the file must not find the old one. Pipes and devices are written to directly.
 * @throws {TunlError} usage, if it cannot be written
 */
export function preparePortFile(path: string): PortFile {
  const file = orRefuse(path, () => (isReplaceable(path) ? prepareReplacement(path) : prepareStream(path)));
  return { ...file, publish: (text) => orRefuse(path, () => file.publish(text)) };
}

function orRefuse<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw usageError(`cannot write the port file ${quote(path)}: ${reasonOf(error)}`, hintFor(error));
  }
}

/** True for a regular file or a missing one; /dev/stdout may be a regular file too, but must not be renamed. */
function isReplaceable(path: string): boolean {
  if (/^\/(?:dev|proc)\//.test(path)) return false;
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
  return found === undefined || found.isFile();
}

function prepareReplacement(path: string): PortFile {
  const target = resolveLinks(path);
  const draft = `${target}.${process.pid}.tmp`;
  let fd: number | undefined = openSync(draft, 'wx', 0o644);
  let { ino } = fstatSync(fd);
  rmSync(target, { force: true });
  return {
    publish: (text) => {
      const file = (fd ??= openSync(draft, 'wx', 0o644));
      writeFileSync(file, text);
      ({ ino } = fstatSync(file));
      closeSync(file);
      fd = undefined;
      renameSync(draft, target);
    },
    remove: () => {
      if (fd !== undefined) closeSync(fd);
      fd = undefined;
      rmSync(draft, { force: true });
      if (statSync(target, { throwIfNoEntry: false })?.ino === ino) rmSync(target, { force: true });
    },
  };
}

/** Resolves links, so that the file behind a link is replaced and the link stays. */
function resolveLinks(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found ? realpathSync(path) : join(realpathSync(dirname(path)), basename(path));
}

function prepareStream(path: string): PortFile {
  accessSync(path, constants.W_OK);
  return { publish: (text) => writeFileSync(path, text, { flag: 'a' }), remove: () => {} };
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const reasons: Record<string, string> = {
    ENOENT: 'there is no such folder',
    ENOTDIR: 'a part of its path is not a folder',
    EACCES: 'not permitted',
    EPERM: 'not permitted',
    EROFS: 'the file system is read-only',
    EISDIR: 'it is a folder',
    ENOSPC: 'the disk is full',
  };
  return reasons[code ?? ''] ?? message;
}

function hintFor(error: unknown): string {
  return (error as NodeJS.ErrnoException).code === 'EISDIR'
    ? 'name a file in it'
    : 'the file is written beside its place and then moved there, so the folder must be writable';
}
