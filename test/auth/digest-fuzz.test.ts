import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hashValues } from '../../src/auth/digest/digest.ts';
import { openDigest } from '../../src/auth/digest/login.ts';
import { parseChallenges } from '../../src/auth/model/challenge.ts';
import { Abort } from '../../src/core/abort.ts';
import { Secret } from '../../src/core/secret.ts';
import { parseProof } from '../../src/http/server/tunnel-request.ts';
import { isSafeField } from '../../src/http/wire/message.ts';
import { createAuthenticator } from '../../src/policy/auth.ts';
import { makeTempFolder } from '../support/temp.ts';
import { makeRandom, type Random } from '../support/random.ts';

const password = 'hunter2-0815';
const runs = 20_000;
const signal = new Abort().signal;
const request = { method: 'CONNECT', target: 'db.corp:5432', signal };

const values = [
  '""',
  '"corp"',
  'corp',
  '"a\\"b"',
  '"\\',
  '"x',
  '"é"',
  '"\u00c3\u00a9"',
  '"\u0001"',
  '"\u0000"',
  'MD5',
  '"MD5-sess"',
  'SHA-256',
  'sha-512-256',
  'SHA3',
  'true',
  '"auth"',
  'auth-int',
  '"auth,auth-int"',
  '"auth-conf"',
  '00000001',
  'ffffffff',
  '-1',
  "UTF-8''%c3%a9",
  "UTF-8''%zz",
  'alice',
  '"eve"',
  `"${'n'.repeat(300)}"`,
  '',
  '"a, b=c"',
  '=',
  '"%s%n"',
  '"n1"',
  '"__proto__"',
];
const names = [
  'realm',
  'nonce',
  'opaque',
  'algorithm',
  'qop',
  'stale',
  'userhash',
  'charset',
  'username',
  'username*',
  'uri',
  'response',
  'nc',
  'cnonce',
  'rspauth',
  'nextnonce',
  '__proto__',
  'constructor',
];

function makeParams(random: Random, most: number): string {
  const pick = (of: readonly string[]) => of[random(of.length)] ?? '';
  return Array.from({ length: random(most) }, () => `${pick(names)}=${pick(values)}`).join(
    pick([', ', ',', ' ,\t', ';']),
  );
}

test('whatever a hop asks and answers, a digest can be sent and holds no secret', async () => {
  const random = makeRandom(7616);
  const login = openDigest({ user: 'jörg "alice"', password: new Secret(password) });
  const kinds = new Map<string, number>();
  for (let run = 0; run < runs; run++) {
    const attempt = login.begin(request);
    const always = random(4) === 0 ? '' : 'realm="corp", nonce="n1", ';
    const told: unknown[] = [await attempt.start()];
    for (let round = random(3); round >= 0; round--) {
      const step = await attempt.answer(parseChallenges([`Digest ${always}${makeParams(random, 8)}`]));
      told.push(step);
      kinds.set(step.kind, (kinds.get(step.kind) ?? 0) + 1);
      if (step.kind !== 'send') break;
      if (!isSafeField(['Proxy-Authorization', step.credentials]))
        throw new Error(`not to be sent: ${step.credentials}`);
    }
    if (random(2) === 0) told.push(await attempt.confirm?.({ info: makeParams(random, 5) }));
    if (JSON.stringify(told).includes('hunter2')) throw new Error('the password was told');
  }
  expect([...kinds.keys()].toSorted()).toEqual(['refused', 'send', 'unable']);
});

test('whatever a client sends, serve lets nobody in', async () => {
  const authFile = join(makeTempFolder(), 'users');
  const key = hashValues('MD5', 'alice', 'corp', password);
  writeFileSync(authFile, `alice:corp:${key}\n`);
  const users = await createAuthenticator({ authFile });
  const random = makeRandom(2069);
  const login = openDigest({ user: 'alice', password: new Secret(`${password}?`) });
  let proofs = 0;
  for (let run = 0; run < runs; run++) {
    const attempt = login.begin(request);
    const step = random(3) === 0 ? await attempt.answer(parseChallenges(users.digestChallenges(false))) : undefined;
    const base = step?.kind === 'send' ? step.credentials : 'Digest x=y';
    // The first of two equal parameters counts. No parameters in front make the digest of a wrong password right.
    const field = `Digest ${makeParams(random, 10)}, ${base.slice('Digest '.length)}`;
    const proof = parseProof(field, request);
    if (!proof) continue;
    proofs++;
    // Each from a source of its own: wrong passwords would cost time.
    const address = { kind: 'tcp', host: `10.${run >> 16}.${(run >> 8) & 255}.${run & 255}`, port: 1 } as const;
    expect(await users.verifyDigest(proof, signal, { address })).toBe('wrong');
  }
  expect(proofs).toBeGreaterThan(runs / 4);
});
