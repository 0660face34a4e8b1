import type { HopSetting } from '../../core/carrier.ts';
import { parsePathPrefix } from '../../syntax/stage-settings.ts';

/** The setting of hops that are asked for tunnels by a path. */
export const prefixSetting: HopSetting = {
  name: 'prefix',
  summary: 'path in front of the target; /.well-known/tunl by default',
  parse: (value) => parsePathPrefix(value, '?prefix='),
};
