import type { NamedWay } from '../../../app/commands/config.ts';
import type { ForwardSpec, FrontSpec } from '../../../app/commands/options.ts';
import { asUsage } from '../../../syntax/text.ts';
import type { Arguments } from '../../parse/arguments.ts';
import type { CommandContext } from '../../parse/command.ts';
import { parseForwardSpec } from '../forward-spec.ts';
import { needConfig } from './config.ts';

/** A SPEC of `forward`, with the way that its forward in the configuration gives it. */
export interface ReadSpec {
  readonly spec: ForwardSpec | FrontSpec;
  readonly way?: NamedWay;
}

/**
 * Reads the operands of `forward`: SPECs, and names of the configuration, which is read for those only.
 * @throws {TunlError} usage; that of a named SPEC has its position in the file
 */
export async function readSpecs(args: Arguments, context: CommandContext): Promise<ReadSpec[]> {
  const specs: ReadSpec[] = [];
  for (const text of args.operands) {
    if (!text.startsWith('@')) {
      specs.push({ spec: parseForwardSpec(text) });
      continue;
    }
    const config = await needConfig(text, args, context);
    for (const { text: written, place, way } of config.listSpecs(text.slice(1))) {
      specs.push({ spec: asUsage(place, () => parseForwardSpec(written)), ...(way && { way }) });
    }
  }
  return specs;
}
