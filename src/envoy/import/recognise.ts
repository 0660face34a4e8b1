import type { Source } from '../../chain/read/document.ts';

/** The fields that identify a whole file of Envoy. */
const marks = ['static_resources', 'dynamic_resources', 'staticResources', 'dynamicResources'];
/** The fields that identify a piece of such a file. */
const pieces = ['listeners', 'clusters', 'filter_chains', 'filterChains', 'load_assignment', 'loadAssignment'];

/** True for a file of Envoy, or a piece of one. */
export function isBootstrap({ value }: Source): boolean {
  return hasField(value, marks) || isPiece(value);
}

/** True for a piece of an Envoy file, such as a listener or a list of clusters. */
export function isPiece(value: unknown): boolean {
  return hasField(Array.isArray(value) ? value[0] : value, pieces) && !hasField(value, marks);
}

function hasField(value: unknown, names: readonly string[]): boolean {
  return typeof value === 'object' && value !== null && names.some((name) => Object.hasOwn(value, name));
}
