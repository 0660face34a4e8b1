import { expect, test } from 'vitest';
import { type Address, formatAddress } from '../../src/core/address.ts';
import { formatHop } from '../../src/core/hop.ts';
import { Secret } from '../../src/core/secret.ts';

test.each<[Address, string]>([
  [{ kind: 'tcp', host: 'db', port: 5432 }, 'db:5432'],
  [{ kind: 'tcp', host: '10.0.0.1', port: 22 }, '10.0.0.1:22'],
  [{ kind: 'tcp', host: '::1', port: 22 }, '[::1]:22'],
  [{ kind: 'tcp', host: 'db', port: 22, resolved: [{ address: '10.0.0.1', family: 4 }] }, 'db:22'],
  [{ kind: 'unix', path: '/run/x.sock' }, 'unix:/run/x.sock'],
  [{ kind: 'unix', path: '\0name' }, 'unix:@name'],
  [{ kind: 'fd', fd: 3 }, 'fd:3'],
  [{ kind: 'internal', name: 'edge' }, 'internal://edge'],
])('writes %j as %s', (address, text) => {
  expect(formatAddress(address)).toBe(text);
});

test('writes a hop without its secrets and settings', () => {
  const hop = {
    scheme: 'https',
    address: { kind: 'tcp', host: '::1', port: 443 },
    credentials: { user: 'alice', password: new Secret('hunter2') },
    tls: { insecure: true },
    headers: [['X-Key', 'hunter2']],
    settings: { key: 'hunter2' },
  } as const;
  expect(formatHop(hop)).toBe('https://[::1]:443');
});
