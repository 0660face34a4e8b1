import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PolicyBase } from '../../src/policy/rules.ts';
import { judge, judgeText, policyOf } from './verdict.ts';

type Bytes = readonly [number, number, number, number];

const hex = (high: number, low: number) => ((high << 8) | low).toString(16);
const group = ([a, b, c, d]: Bytes) => `${hex(a, b)}:${hex(c, d)}`;
const dotted = (bytes: Bytes) => bytes.join('.');

/** Spellings of an IPv4 address, and the IPv6 addresses by which it is reached. */
const forms: readonly ((bytes: Bytes) => string)[] = [
  (bytes) => `::ffff:${dotted(bytes)}`,
  (bytes) => `::FFFF:${group(bytes)}`,
  (bytes) => `0:0:0:0:0:ffff:${group(bytes)}`,
  (bytes) => `64:ff9b::${dotted(bytes)}`,
  (bytes) => `0064:ff9b:0000::${group(bytes)}`,
  (bytes) => `::ffff:0:${group(bytes)}`,
  (bytes) => `2002:${group(bytes)}::1`,
  (bytes) => `2001:0:${group(bytes)}::${group(bytes.map((byte) => byte ^ 0xff) as unknown as Bytes)}`,
];

const compatible = (bytes: Bytes) => `::${dotted(bytes)}`;

const byte = fc.integer({ min: 0, max: 255 });
const ip4 = fc.oneof(
  fc.tuple(byte, byte, byte, byte),
  // Near the edges of ranges, where a wrong mask shows.
  fc.tuple(
    fc.constantFrom(0, 10, 100, 127, 169, 172, 192, 198, 224),
    fc.constantFrom(0, 16, 31, 64, 127, 168, 254),
    byte,
    byte,
  ),
);
const rules = fc.subarray([
  '*',
  '*:22',
  '10.0.0.0/8',
  '127.0.0.1:22',
  '172.16.0.0/12:22',
  '0.0.0.0/1',
  'db.example',
  '*.example',
]);
const base = fc.constantFrom<PolicyBase>('allow-all', 'deny-special');

test('the verdict on an IPv4 address is the verdict on every IPv6 address that leads to it', () => {
  fc.assert(
    fc.property(ip4, rules, rules, base, (bytes, allow, deny, from) => {
      const policy = policyOf(from, { allow, deny });
      // ::0.0.0.0 and ::0.0.0.1 are the unspecified address and loopback.
      const isOrdinary = bytes[0] + bytes[1] + bytes[2] > 0;
      for (const form of isOrdinary ? [...forms, compatible] : forms) {
        const spelled = form(bytes);
        expect([spelled, judge(policy, `[${spelled}]:22`)]).toEqual([spelled, judge(policy, `${dotted(bytes)}:22`)]);
        expect([spelled, judge(policy, 'db.example:22', spelled)]).toEqual([
          spelled,
          judge(policy, 'db.example:22', dotted(bytes)),
        ]);
        expect([spelled, judgeText(policy, `[${spelled}]:22`)]).toEqual([
          spelled,
          judgeText(policy, `${dotted(bytes)}:22`),
        ]);
      }
    }),
    { numRuns: 300 },
  );
});

test('the verdict on an IPv6 address does not depend on how it is written', () => {
  const groups = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), {
    minLength: 8,
    maxLength: 8,
  });
  const rules6 = fc.subarray([
    '*',
    '::1',
    '2000::/3',
    '[2001:db8::]/32:22',
    '::/0',
    '64:ff9b::/96',
    'fd00::/8',
    '10.0.0.0/8',
  ]);
  const first = fc.constantFrom(0, 0x64, 0x2001, 0x2002, 0x2606, 0xfd00, 0xfe80);
  fc.assert(
    fc.property(first, groups, rules6, rules6, base, (head, [, ...tail], allow, deny, from) => {
      const policy = policyOf(from, { allow, deny });
      const long = [head, ...tail].map((part) => part.toString(16).padStart(4, '0')).join(':');
      const short = new URL(`http://[${long}]`).hostname.slice(1, -1);
      const expected = [judge(policy, `[${long}]:22`), judgeText(policy, `[${long}]:22`)];
      for (const spelled of [short, long.toUpperCase(), short.toUpperCase()]) {
        expect([judge(policy, `[${spelled}]:22`), judgeText(policy, `[${spelled}]:22`)]).toEqual(expected);
      }
    }),
    { numRuns: 500 },
  );
});
