import type { CommandSpec } from '../parse/command.ts';
import { chain } from './chain.ts';
import { check } from './check.ts';
import { completion } from './completion.ts';
import { connect } from './connect.ts';
import { forward } from './forward.ts';
import { help } from './help.ts';
import { pac } from './pac.ts';
import { serve } from './serve.ts';

/** Every command, in the order of the help. */
export const commands: readonly CommandSpec[] = [connect, forward, serve, chain, check, pac, completion, help];
