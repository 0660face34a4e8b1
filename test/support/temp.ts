import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Makes a folder that is removed after the test. */
export function makeTempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tunl-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes a file into a new folder that is removed after the test, and returns the path. */
export function writeTempFile(name: string, text: string): string {
  const path = join(makeTempFolder(), name);
  writeFileSync(path, text);
  return path;
}
