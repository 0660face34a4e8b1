import type { Path } from '../../chain/read/document.ts';
import { assertState, type StateOf, type StateValue } from '../../syntax/format/state.ts';
import { quote } from '../../syntax/text.ts';
import type { ClusterMessage } from '../schema/cluster.ts';
import { listEndpoints } from '../schema/cluster.ts';
import type { StateMessage } from '../schema/filter-state.ts';
import { internalSocketType } from '../schema/transport-socket.ts';
import type { BootstrapDiagnostics } from './diagnostics.ts';
import { assertOne } from './one-of.ts';

/** The kinds of values that are texts. */
const texts = new Set(['envoy.string', 'envoy.hashable_string']);

const shares = { NONE: {}, ONCE: { share: 'once' }, TRANSITIVE: { share: 'always' } } as const;

/** Reads the values that a filter gives to connections or requests. */
export function readFilterState(
  words: StateMessage = [],
  path: Path,
  of: StateOf,
  reading: BootstrapDiagnostics,
): readonly StateValue[] {
  return words.flatMap((value, index) => {
    const at = [...path, index];
    const { object_key: name, factory_key: kind = name, format_string: format, shared_with_upstream: share } = value;
    if (!texts.has(kind)) {
      const key = value.factory_key === undefined ? 'object_key' : 'factory_key';
      reading.add([...at, key], `${quote(kind)} changes what a filter does, and here values are texts`, kindHint);
    }
    assertOne([...at, 'format_string'], format, ['text_format', 'text_format_source'], reading);
    const text = format.text_format ?? format.text_format_source?.inline_string ?? '';
    const read: StateValue = {
      name,
      value: text,
      ...shares[share ?? 'NONE'],
      ...(value.skip_if_empty && { skipEmpty: true }),
      ...(format.omit_empty_values && { omitMissing: true }),
    };
    return reading.attempts.run([...at, 'format_string'], () => (assertState([read], of), read)) ?? [];
  });
}

const kindHint = 'write factory_key: envoy.string, and read it by %FILTER_STATE(NAME:PLAIN)%';

/** Refuses values that are set twice, as Envoy does when it runs, and makes the field of the stage. */
export function joinState(
  values: readonly StateValue[],
  path: Path,
  reading: BootstrapDiagnostics,
): { readonly state?: readonly StateValue[] } {
  const twin = values.find(({ name }, index) => values.findIndex((other) => other.name === name) < index);
  if (twin) reading.add(path, `${quote(twin.name)} is set twice`, 'give one of the values another name');
  return values.length > 0 ? { state: values } : {};
}

/** Leaves out what is shared with stages inside, where no cluster of a filter passes it on to an internal listener. */
export function keepShared(
  values: readonly StateValue[],
  clusters: readonly ClusterMessage[],
  path: Path,
  reading: BootstrapDiagnostics,
): readonly StateValue[] {
  if (!values.some(({ share }) => share)) return values;
  const inside = clusters.filter((words) => listEndpoints(words).some(({ address }) => address.envoy_internal_address));
  const passed = inside.filter(
    ({ transport_socket: socket }) => socket?.typed_config?.['@type'] === internalSocketType,
  );
  if (passed.length > 0 && passed.length < inside.length) {
    const silent = inside.find((words) => !passed.includes(words));
    reading.add(
      path,
      `${quote(silent?.name ?? '')} leads to an internal listener, and only other clusters share values with theirs`,
      'give each of these clusters the transport socket internal_upstream',
    );
  }
  return passed.length > 0 ? values : values.map(({ share: _unseen, ...value }) => value);
}
