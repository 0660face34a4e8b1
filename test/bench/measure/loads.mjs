const bytes = [
  { name: 'rate', unit: 'MB/s', better: 'more', panel: 'work' },
  { name: 'cost', unit: 's/GB', better: 'less', panel: 'cost' },
];
/** Figures of loads that are counted in pieces: the two latencies are in microseconds. */
const pieces = [
  { name: 'rate', unit: '/s', better: 'more', panel: 'work' },
  { name: 'cost', unit: 's/1000', better: 'less', panel: 'cost' },
  { name: 'p50', unit: 'us', better: 'less' },
  { name: 'p99', unit: 'us', better: 'less', panel: 'tail' },
];

/** New tunnels: also measured cold. */
export const newTunnels = { title: 'new x16', kind: 'new', tunnels: 16, figures: pieces };

/** The loads for everything that carries tunnels: one line for each row. */
export const tunnelLoads = [
  { title: 'down x1', kind: 'down', tunnels: 1, figures: bytes },
  { title: 'down x8', kind: 'down', tunnels: 8, figures: bytes },
  { title: 'up x1', kind: 'up', tunnels: 1, figures: bytes },
  { title: 'up x8', kind: 'up', tunnels: 8, figures: bytes },
  { title: 'trips x1', kind: 'rtt', tunnels: 1, figures: pieces },
  { title: 'trips x64', kind: 'rtt', tunnels: 64, figures: pieces },
  newTunnels,
];

/** The loads that differ most, for parts with many subjects. */
export const fewTunnelLoads = tunnelLoads.filter(({ title }) => !['down x8', 'up x8'].includes(title));

/** The loads for everything that routes requests. */
export const requestLoads = [
  { title: 'requests x1', kind: 'requests', tunnels: 1, figures: pieces },
  { title: 'requests x64', kind: 'requests', tunnels: 64, figures: pieces },
  { title: 'answers x1', kind: 'downloads', tunnels: 1, figures: bytes },
  { title: 'answers x8', kind: 'downloads', tunnels: 8, figures: bytes },
  { title: 'bodies x1', kind: 'uploads', tunnels: 1, figures: bytes },
  { title: 'bodies x8', kind: 'uploads', tunnels: 8, figures: bytes },
];
