import { expect, test } from 'vitest';
import { formatTitle } from '../../../src/cli/process/title.ts';

test.each([
  [['connect', '-x', 'http://me:pw@p:1', 'db:22'], 'tunl connect -x http://***@p:1 db:22'],
  [['connect', '-xme:pw@p:1', 'db:22'], 'tunl connect -x***@p:1 db:22'],
  [['connect', '-x=me:pw@p:1', 'db:22'], 'tunl connect -x=***@p:1 db:22'],
  [['connect', '--proxy=http://p:1?header=A:b', 'db:22'], 'tunl connect --proxy=http://p:1 db:22'],
  [
    ['connect', '--proxy', 'http://a:b@p:1|http://c:d@q:2', 'db:22'],
    'tunl connect --proxy http://***@p:1|http://***@q:2 db:22',
  ],
  [['connect', '--proxy-header', 'A: Bearer b', 'db:22'], 'tunl connect --proxy-header A: *** db:22'],
  [['connect', '--proxy-header=A:b', 'db:22'], 'tunl connect --proxy-header=A: *** db:22'],
  [['forward', ':db:1', '-x', 'a:b@p:1', '--', 'x', '-x', 'c@d'], 'tunl forward :db:1 -x ***@p:1 -- x -x c@d'],
])('hides the secrets of %j', (words, title) => {
  expect(formatTitle(words)).toBe(title);
});

test.each([
  [['connect', '-x', 'http://p:1', 'db:22']],
  [['connect', 'user@db:22']],
  [['forward', ':db:1', '--', 'ssh', '-x', 'me@db']],
  [['connect', '-x']],
  [[]],
])('has nothing to hide in %j', (words) => {
  expect(formatTitle(words)).toBeUndefined();
});
