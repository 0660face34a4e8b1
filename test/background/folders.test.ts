import { chmodSync, chownSync, mkdirSync, readdirSync, rmdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  findStateFolder,
  hasPrivateFolder,
  makePrivateFolder,
  makeSocketFolder,
} from '../../src/background/folders.ts';
import { maxUnixPathBytes } from '../../src/core/unix-path.ts';
import { makeTempFolder } from '../support/temp.ts';

describe('the folder of the state', () => {
  test.each([
    [{ XDG_STATE_HOME: '/state', HOME: '/home/me' }, '/state/tunl'],
    [{ XDG_STATE_HOME: 'relative', HOME: '/home/me' }, '/home/me/.local/state/tunl'],
    [{ XDG_STATE_HOME: '', HOME: '/home/me' }, '/home/me/.local/state/tunl'],
  ])('of %j is %s', (env, folder) => {
    expect(findStateFolder(env)).toBe(folder);
  });
});

describe('a private folder', () => {
  test('is made for its owner alone, and may be there already', async () => {
    const path = join(makeTempFolder(), 'a/b');
    expect(await hasPrivateFolder(path)).toBe(false);
    expect(await makePrivateFolder(path)).toBe(path);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(await makePrivateFolder(path)).toBe(path);
    expect(await hasPrivateFolder(path)).toBe(true);
  });

  test('is refused if others may enter it', async () => {
    const path = join(makeTempFolder(), 'open');
    mkdirSync(path);
    chmodSync(path, 0o755);
    await expect(makePrivateFolder(path)).rejects.toThrow('others may enter');
    await expect(hasPrivateFolder(path)).rejects.toMatchObject({ facts: { hints: [`chmod 700 ${path}`] } });
  });

  test('is refused if it is a link, even to a private one', async () => {
    const folder = makeTempFolder();
    await makePrivateFolder(join(folder, 'private'));
    symlinkSync(join(folder, 'private'), join(folder, 'link'));
    await expect(makePrivateFolder(join(folder, 'link'))).rejects.toThrow('is not a folder');
  });

  test('is refused if a file has its place', async () => {
    const path = join(makeTempFolder(), 'file');
    writeFileSync(path, '');
    await expect(makePrivateFolder(path)).rejects.toThrow('is not a folder');
  });

  test.runIf(process.geteuid?.() === 0)('is refused if it belongs to another user', async () => {
    const path = join(makeTempFolder(), 'theirs');
    await makePrivateFolder(path);
    chownSync(path, 12345, 12345);
    await expect(hasPrivateFolder(path)).rejects.toThrow('belongs to another user');
  });
});

describe('the folder for control sockets', () => {
  test('lies in the folder of the session', async () => {
    const runtime = makeTempFolder();
    expect(await makeSocketFolder({ XDG_RUNTIME_DIR: runtime })).toBe(join(runtime, 'tunl'));
  });

  test.each([undefined, '', 'relative', '/missing/folder'])(
    'lies beside the state without one: %j',
    async (runtime) => {
      const state = makeTempFolder();
      const env = { XDG_STATE_HOME: state, XDG_RUNTIME_DIR: runtime };
      expect(await makeSocketFolder(env)).toBe(join(state, 'tunl/run'));
    },
  );

  test('has a short path where that of the state is too long for a socket', async () => {
    const state = join(makeTempFolder(), 'x'.repeat(maxUnixPathBytes));
    const folder = `/tmp/tunl-${process.geteuid?.()}`;
    // It stays if the developer has something in the background there.
    onTestFinished(() => {
      if (readdirSync(folder).length === 0) rmdirSync(folder);
    });
    expect(await makeSocketFolder({ XDG_STATE_HOME: state })).toBe(folder);
  });
});
