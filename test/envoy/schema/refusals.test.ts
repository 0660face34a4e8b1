import { expect, test } from 'vitest';
import type * as z from 'zod';
import { bootstrap } from '../../../src/envoy/schema/bootstrap.ts';
import { findRefusedExtension, refusedExtensions } from '../../../src/envoy/schema/extensions.ts';
import { listFields, listMessages } from '../../../src/envoy/schema/field-list.ts';
import { any, emptyMessage, enumOf, factsOf, flagOf, typesOf, valuesOf } from '../../../src/envoy/schema/proto.ts';
import { type RefusalName, refusals } from '../../../src/envoy/schema/refusals.ts';
import { spellOut } from '../../../src/envoy/schema/spelling.ts';

const messages = listMessages(bootstrap).map((form) => ({ form, facts: factsOf(form) }));
const values = messages.flatMap(({ form }) => Object.values(form.shape).map((field) => valuesOf(unwrap(field))));

function unwrap(form: z.core.$ZodType): z.ZodType {
  return ('unwrap' in form ? (form as z.ZodOptional).unwrap() : form) as z.ZodType;
}

/** The schema of a value, or of each value of a list. */
function innermost(field: z.core.$ZodType): z.ZodType {
  const form = unwrap(field);
  return 'element' in form ? innermost(form.element as z.ZodType) : form;
}

test('each refused field is refused at its key, with the reason and what runs instead', () => {
  let count = 0;
  for (const { form, facts } of messages) {
    for (const [field, { why, instead }] of facts?.refused ?? []) {
      count++;
      const { faults } = spellOut({ [field]: {} }, form, { allowUnknownFields: true });
      const message = `${field} is a field of Envoy that tunl does not run: ${why}`;
      expect(faults).toEqual([{ path: [field], message, hints: [instead], atKey: true }]);
    }
  }
  expect(count).toBeGreaterThan(150);
});

test.each([...refusedExtensions])('the extension %s is refused at its type, and is on the page', (name, refusal) => {
  const type = `envoy.extensions.${name}.v3.Any`;
  const form = any({ 'envoy.extensions.filters.http.router.v3.Router': emptyMessage('Router') });
  const { faults } = spellOut({ '@type': `type.googleapis.com/${type}` }, form, { allowUnknownFields: true });
  const message = `${type} is an extension of Envoy that tunl does not run: ${refusal.why}`;
  expect(faults).toEqual([{ path: ['@type'], message, hints: [refusal.instead] }]);
  expect(listFields()).toContain(`\`${name}\``);
});

test('no extension that runs somewhere is refused by name', () => {
  const types = messages.flatMap(({ form }) =>
    Object.values(form.shape).flatMap((field) => Object.keys(typesOf(innermost(field)) ?? {})),
  );
  expect(types.length).toBeGreaterThan(20);
  expect(types.filter((type) => findRefusedExtension(type))).toEqual([]);
});

test.each([
  ['a flag', flagOf(false, 'path'), true, 'path'],
  ['an enum by its name', enumOf({ A: 0, B: 1 }, { B: 'udp' }), 'b', 'udp'],
  ['an enum by its number', enumOf({ A: 0, B: 1 }, { B: 'udp' }), 1, 'udp'],
] as const)('a refused value of %s has the reason and what runs instead', (_what, form, value, name) => {
  const { why, instead } = refusals[name];
  expect(form.safeParse(value).error?.issues).toEqual([
    expect.objectContaining({ message: expect.stringContaining(why), params: { hints: [instead] } }),
  ]);
});

test.each(Object.entries(refusals))('the reason %s is used, a part of a sentence, and no other one', (name, reason) => {
  const inMessages = [...messages.map(({ facts }) => facts), ...values].flatMap((facts) => [
    ...(facts?.refused.values() ?? []),
  ]);
  const used = [...inMessages, ...refusedExtensions.values()];
  expect(used, name).toContain(refusals[name as RefusalName]);
  for (const text of Object.values(reason)) expect(text).toMatch(/^[^ A-Z].{4,110}[^.]$|^N/);
  expect(Object.values(refusals).filter(({ why }) => why === reason.why)).toEqual([reason]);
});
