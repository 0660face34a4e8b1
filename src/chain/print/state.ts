import type { StateValue } from '../../syntax/format/state.ts';
import { escapeVariables } from '../read/secrets.ts';
import type { StateConfig } from '../read/state/state.ts';

/** Writes the values that a stage gives to connections or requests as in a file. */
export function toStateConfig(values: readonly StateValue[]): StateConfig {
  return Object.fromEntries(
    values.map(({ name, value: format, share, skipEmpty, omitMissing }) => {
      const value = escapeVariables(format);
      const more = {
        ...(share && { share }),
        ...(skipEmpty && { 'skip-empty': true }),
        ...(omitMissing && { 'omit-missing': true }),
      };
      return [name, Object.keys(more).length > 0 ? { value, ...more } : value];
    }),
  );
}
