import { expect, test } from 'vitest';
import { createChangeFields } from '../../src/router/change-fields.ts';
import type { HeaderField } from '../../src/core/hop.ts';
import type { FieldChange } from '../../src/syntax/format/field-changes.ts';

const peer = { address: { kind: 'tcp', host: '192.0.2.1', port: 5 } } as const;

function change(fields: readonly HeaderField[], ...changes: readonly FieldChange[]): HeaderField[] {
  return createChangeFields(changes, 'request')(fields, (headers) => ({ began: 0, origin: { peer, headers } }));
}

test('all values are made from the fields that are left, before the first is written', () => {
  const one = {
    remove: ['b'],
    set: [{ name: 'a', value: '%REQ(a)%%REQ(b)%2' }],
    add: [{ name: 'c', value: '%REQ(a)%' }],
  };
  expect(
    change(
      [
        ['a', '1'],
        ['b', 'x'],
      ],
      one,
    ),
  ).toEqual([
    ['a', '12'],
    ['c', '1'],
  ]);
});

test('each level sees what the one before it has done', () => {
  const add = { add: [{ name: 'a', value: '%REQ(a)%+' }] };
  const set = { set: [{ name: 'a', value: '%REQ(a)%=' }] };
  expect(change([['a', '1']], add, set)).toEqual([['a', '1,1+=']]);
});

test('what is there decides about fields that want one or none', () => {
  const fields = [
    { name: 'a', value: '2' },
    { name: 'b', value: '2' },
  ];
  expect(change([['a', '1']], { setPresent: fields })).toEqual([['a', '2']]);
  expect(change([['a', '1']], { addAbsent: fields })).toEqual([
    ['a', '1'],
    ['b', '2'],
  ]);
});

test('an empty value is written only if that is said, and one that cannot be sent never', () => {
  const add = [
    { name: 'a', value: '%REQ(none)%' },
    { name: 'b', value: '', keepEmpty: true as const },
  ];
  expect(change([], { add })).toEqual([['b', '']]);
  expect(change([['odd', 'a\r\nb']], { remove: [], add: [{ name: 'c', value: '%REQ(odd)%' }] })).toEqual([
    ['odd', 'a\r\nb'],
  ]);
});

test.each([
  ['%RESP(a)%', '%RESP% has no value in a request'],
  ['%DURATION%', '%DURATION% has no value in a request'],
  ['%REQ(cookie)%', '%REQ(cookie)% would copy credentials'],
  ['%NONE%', 'there is no operator %NONE%'],
  ['a%b', 'a % does not begin an operator'],
])('%s is no value for a field of a request', (value, says) => {
  expect(() => change([], { add: [{ name: 'a', value }] })).toThrow(says);
});
