import type { Stage, Graph, RouteName, RouteOptions } from './graph.ts';

/** Gives names to what a file leaves without one: what says the same has the same name. */
export class SharedNames {
  readonly #taken: Set<string>;
  readonly #given = new Map<string, string>();

  constructor(taken: Iterable<string> = []) {
    this.#taken = new Set(taken);
  }

  /**
   * The name for what says this; a new one where nothing has said it before.
   * @param said what JSON can write; what it leaves out, such as a secret, makes no difference
   */
  share(wanted: string, said: unknown): string {
    const text = JSON.stringify(said);
    const name = this.#given.get(text) ?? this.take(wanted);
    this.#given.set(text, name);
    return name;
  }

  /** A name like the wanted one that nothing else has. */
  take(wanted: string): string {
    let name = wanted;
    for (let count = 2; this.#taken.has(name); count++) name = `${wanted}-${count}`;
    this.#taken.add(name);
    return name;
  }
}

/** The routes of a graph in the making. */
export class RouteTable {
  /** By name, in the order in which they were asked for. */
  readonly routes = new Map<RouteName, RouteOptions>();
  readonly #names = new SharedNames();

  /** The name of the route that says this; it is made where nothing has said it before. */
  share(wanted: RouteName, said: unknown, make: () => RouteOptions): RouteName {
    const name = this.#names.share(wanted, said);
    if (!this.routes.has(name)) this.routes.set(name, make());
    return name;
  }
}

/** Names the routes that stages have in place. Those that are the same are one: they have no secrets that could differ. */
export function nameRoutes(stages: readonly Stage[]): Pick<Graph, 'routes' | 'stages'> {
  const table = new RouteTable();
  const name = (wanted: string, route: RouteOptions) => table.share(wanted, route, () => route);
  const named = stages.map((stage): Stage<RouteName> => {
    const route = name(stage.name, stage.route);
    if (stage.job !== 'http') return { ...stage, route };
    const upstreams = stage.upstreams.map((upstream) => ({ ...upstream, route: name(upstream.name, upstream.route) }));
    return { ...stage, route, upstreams };
  });
  return { routes: table.routes, stages: named };
}
