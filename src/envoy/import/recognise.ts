import type { Source } from '../../chain/read/document.ts';

/** Fields by which a file of Envoy is known, and those of pieces of one. */
const marks = ['static_resources', 'dynamic_resources', 'staticResources', 'dynamicResources'];
const pieces = ['listeners', 'clusters', 'filter_chains', 'filterChains', 'load_assignment', 'loadAssignment'];

/** True for a file of Envoy, or a piece of one. */
export function isBootstrap({ value }: Source): boolean {
  return hasField(value, marks) || isPiece(value);
}

/** True for a listener or a cluster, or several, with nothing around them. */
export function isPiece(value: unknown): boolean {
  return hasField(Array.isArray(value) ? value[0] : value, pieces) && !hasField(value, marks);
}

function hasField(value: unknown, names: readonly string[]): boolean {
  return typeof value === 'object' && value !== null && names.some((name) => Object.hasOwn(value, name));
}
