import type { Graph } from '../../app/commands/options.ts';
import { usageError } from '../../core/errors.ts';
import { parseListen } from '../../syntax/listen.ts';
import type { Arguments } from '../parse/arguments.ts';
import type { OptionGroup } from '../parse/command.ts';
import { flag, option } from '../parse/option.ts';

const adminOption = option('admin', (text) => parseListen(text), {
  value: 'ADDRESS',
  summary: 'a page and the paths of Envoy on [BIND:]PORT or unix:PATH; not in --port-file, and no tunnel leads there',
});

const openOption = flag('admin-open', {
  summary: 'let it be on an address that others can reach: they may end tunnels and the program',
});

/** The options that open an admin address on the running program. */
export const adminGroup: OptionGroup = {
  title: 'Administration',
  options: [adminOption, openOption],
};

/** Reads the admin address from the command line. @throws {TunlError} usage */
export function readAdmin(args: Arguments): Pick<Graph, 'admin' | 'adminOpen'> {
  const admin = args.get(adminOption);
  const isOpen = args.get(openOption);
  if (admin === undefined) return isOpen ? { adminOpen: true } : {};
  return { admin, ...(isOpen && { adminOpen: true }) };
}

/** Adds the admin address of the command line to a graph; without one, the graph keeps that of its file. @throws {TunlError} usage */
export function withAdmin(graph: Graph, options: Pick<Graph, 'admin' | 'adminOpen'>): Graph {
  const merged = { ...graph, ...options };
  if (merged.adminOpen && !merged.admin) throw usageError('--admin-open needs --admin');
  return merged;
}
