import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { makeTempFolder } from '../../support/temp.ts';
import { readXml } from '../../support/xml.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

test('the demo of resumable tunnels ends well, and draws what happened', async () => {
  const picture = join(makeTempFolder(), 'resume.svg');
  const args = [`${root}scripts/demo-resume.mjs`, '--svg', picture];
  // A status that is not 0 rejects.
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
  expect(stderr).toBe('');
  expect(stdout).toContain('Each of the 300 numbers arrived once and in order, over three connections.');
  // The picture of the page is one of another run.
  for (const file of [picture, `${root}docs/resume.svg`]) {
    const elements = readXml(readFileSync(file, 'utf8'));
    const countOf = (kind: string) => elements.filter(({ attributes }) => attributes['class'] === kind).length;
    expect(['gap', 'on', 'said', 'heard'].map(countOf)).toEqual([2, 2, 4, 4]);
  }
});
