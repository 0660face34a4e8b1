import { mapRoutes, type Stage, type Graph, type RouteName, type RouteOptions } from './graph.ts';

/** Assigns names to parts that have none in a file. Parts with the same content share a name. */
export class SharedNames {
  readonly #taken: Set<string>;
  readonly #given = new Map<string, string>();

  constructor(taken: Iterable<string> = []) {
    this.#taken = new Set(taken);
  }

  /**
   * Returns the name for this content, and assigns a new one if the content is new.
   * @param said the content; only what JSON can represent is compared, so secrets make no difference
   */
  share(wanted: string, said: unknown): string {
    const text = JSON.stringify(said);
    const name = this.#given.get(text) ?? this.take(wanted);
    this.#given.set(text, name);
    return name;
  }

  /** Reserves a unique name: the wanted one, with a number appended if it is taken. */
  take(wanted: string): string {
    let name = wanted;
    for (let count = 2; this.#taken.has(name); count++) name = `${wanted}-${count}`;
    this.#taken.add(name);
    return name;
  }
}

/** The routes of a graph that is being built. */
export class RouteTable {
  /** The routes by name, in the order of the first request for each. */
  readonly routes = new Map<RouteName, RouteOptions>();
  readonly #names = new SharedNames();

  /** Returns the name of the route with this content, and makes the route if the content is new. */
  share(wanted: RouteName, said: unknown, make: () => RouteOptions): RouteName {
    const name = this.#names.share(wanted, said);
    if (!this.routes.has(name)) this.routes.set(name, make());
    return name;
  }
}

/** Names the routes inside stages. Equal routes become one, which is safe because these routes hold no secrets. */
export function nameRoutes(stages: readonly Stage[]): Pick<Graph, 'routes' | 'stages'> {
  const table = new RouteTable();
  const name = (wanted: string, route: RouteOptions) => table.share(wanted, route, () => route);
  const named = stages.map((stage): Stage<RouteName> => {
    const route = name(stage.name, stage.route);
    if (stage.job === 'forward') return { ...stage, route };
    if (stage.job === 'proxy') return mapRoutes(stage, (way) => name(stage.name, way));
    const upstreams = stage.upstreams.map((upstream) => ({ ...upstream, route: name(upstream.name, upstream.route) }));
    return { ...stage, route, upstreams };
  });
  return { routes: table.routes, stages: named };
}
