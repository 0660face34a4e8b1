import { expect, test } from 'vitest';
import { fileKnowsMoreHosts, knowsMoreHosts } from '../../src/dial/nsswitch.ts';
import { writeTempFile } from '../support/temp.ts';

test.each<[string, string, boolean]>([
  ['Debian without more', 'passwd: files systemd\nhosts: files dns\n', false],
  ['name servers before the file, with what is to happen', 'hosts:\tdns [!UNAVAIL=return] files', false],
  ['Fedora', 'hosts: files myhostname resolve [!UNAVAIL=return] dns', true],
  ['Avahi', 'hosts:          files mdns4_minimal [NOTFOUND=return] dns', true],
  ['SSSD', '# by authselect\nhosts: files dns sss\n', true],
  ['LDAP', 'hosts: files ldap dns', true],
  ['its own name', 'hosts: files dns myhostname', true],
  ['a service that is commented out', 'hosts: files dns # mdns4\n#hosts: ldap', false],
  ['an action with a space in it', 'hosts: files [ NOTFOUND = return ] dns', false],
  ['no line for hosts', 'passwd: files ldap\n', false],
])('%s', (_, text, expected) => {
  expect(knowsMoreHosts(text)).toBe(expected);
  expect(fileKnowsMoreHosts(writeTempFile('nsswitch.conf', text))).toBe(expected);
});

test('a system without the file has nothing but a hosts file and name servers', () => {
  expect(fileKnowsMoreHosts('/nowhere/nsswitch.conf')).toBe(false);
});
