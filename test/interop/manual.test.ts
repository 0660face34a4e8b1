import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { run } from './support/process.ts';

const folder = fileURLToPath(new URL('../../man', import.meta.url));

describe.each(readdirSync(folder))('man/%s', (name) => {
  const path = join(folder, name);

  test.each([
    ['groff', ['-man', '-ww', '-z', '-Tutf8', path]],
    ['mandoc', ['-Tlint', path]],
  ])('has nothing that %s complains about', async (file, args) => {
    expect(await run({ file, args })).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  test('is shown by man', async () => {
    const env = { MANWIDTH: '100', MANPAGER: 'cat', MANROFFOPT: '-c' };
    const { code, stdout, stderr } = await run({ file: 'man', args: ['--warnings', '-P', 'cat', '-l', path], env });
    expect([code, stderr]).toEqual([0, '']);
    const title = name.replace(/\.1$/, '');
    expect(stdout).toMatch(new RegExp(`^${title.toUpperCase()}\\(1\\) .*User Commands`));
    expect(stdout).toMatch(new RegExp(`\nNAME\n +${title} - \\S`));
    expect(stdout).toContain('\nEXIT STATUS\n');
  });
});

test('man shows options and examples so that they can be pasted', async () => {
  const args = ['-P', 'cat', '-l', join(folder, 'tunl-connect.1')];
  const { stdout } = await run({ file: 'man', args, env: { MANWIDTH: '100' } });
  expect(stdout).toContain("    ssh -o ProxyCommand='tunl connect -x http://proxy:3128 %h:%p' host\n");
  expect(stdout).toContain('\n       -x, --proxy URL\n');
});
