import { escape, round } from './svg.mjs';

const [width, left, right] = [880, 130, 860];
const [top, panelHeight, panelGap] = [92, 130, 44];

/** Colours of GitHub's pages, light and dark. */
const style = `
    svg { --ground: #ffffff; --text: #1f2328; --faint: #59636e; --line: #d1d9e0; --said: #bc4c00; --heard: #0969da; --gap: #ffebe9; --on: #1a7f37 }
    @media (prefers-color-scheme: dark) {
      svg { --ground: #0d1117; --text: #f0f6fc; --faint: #9198a1; --line: #3d444d; --said: #f0883e; --heard: #4493f8; --gap: #3c1618; --on: #3fb950 }
    }
    text { font: 12px system-ui, sans-serif; fill: var(--text) }
    .ground { fill: var(--ground) } .gap { fill: var(--gap) }
    .title { font-weight: 600; font-size: 15px } .part { font-weight: 600 }
    .faint { fill: var(--faint); font-size: 11px }
    .right { text-anchor: end } .middle { text-anchor: middle }
    .axis { stroke: var(--line) } .on { stroke: var(--on); stroke-dasharray: 3 3 }
    .said, .heard { fill: none; stroke-width: 2 } .said { stroke: var(--said) } .heard { stroke: var(--heard) }
  `;

/**
 * Draws a run of the demo of resumable tunnels as an SVG for light and dark pages: for each way how many numbers were
 * said and heard by when, the times without a proxy, and the moments at which the tunnel went on.
 * @param run `{ ms, gaps: [{ from, to }], resumed: [ms], ways: [{ title, said: [ms], heard: [ms] }] }`
 */
export function drawResume({ ms, gaps, resumed, ways }) {
  const bottom = top + ways.length * panelHeight + (ways.length - 1) * panelGap;
  const height = bottom + 44;
  const across = (at) => round(left + (at / ms) * (right - left));
  const lengthOf = ({ from, to }) => `${((to - from) / 1000).toFixed(1)} s`;
  const bands = gaps.map((gap) => {
    const { from, to } = gap;
    const x = across(from);
    return `<rect class="gap" x="${x}" y="${top - 20}" width="${round(across(to) - x)}" height="${bottom - top + 20}"/>
  <text class="faint" x="${x}" y="${top - 26}">no proxy for ${lengthOf(gap)}</text>`;
  });
  const moments = resumed.map(
    (at) => `<line class="on" x1="${across(at)}" x2="${across(at)}" y1="${top - 20}" y2="${bottom}"/>`,
  );
  const panels = ways.map((way, index) => drawWay(way, top + index * (panelHeight + panelGap), ms, across));
  const seconds = Array.from({ length: Math.floor(ms / 1000) + 1 }, (_, second) => second);
  const scale = seconds.map(
    (second) => `<text class="faint middle" x="${across(second * 1000)}" y="${bottom + 18}">${second} s</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
  <title>A tunnel that outlives its connections</title>
  <desc>The proxy between both sides was away for ${gaps.map(lengthOf).join(' and ')}. Each number that one side said meanwhile was heard afterwards, once and in order.</desc>
  <style>${style}</style>
  <rect class="ground" width="${width}" height="${height}" rx="6"/>
  <text class="title" x="16" y="26">One tunnel, ${resumed.length + 1} connections: both sides count aloud while the proxy between them is killed</text>
  <text class="faint" x="16" y="44">numbers said and heard; the green lines are the moments at which the tunnel goes on (npm run demo:resume)</text>
  ${[...bands, ...moments, ...panels, ...scale].join('\n  ')}
</svg>
`;
}

function drawWay({ title, said, heard }, y, ms, across) {
  const up = (count) => round(y + panelHeight - (count / said.length) * panelHeight);
  const label = (name, row) =>
    `<path class="${name}" d="M16 ${y + 24 + row * 20}h16"/><text x="40" y="${y + 28 + row * 20}">${name}</text>`;
  return `<g>
    <text class="part" x="16" y="${y - 4}">${escape(title)}</text>
    ${label('said', 0)}${label('heard', 1)}
    <text class="faint right" x="${left - 6}" y="${y + 8}">${said.length}</text>
    <text class="faint right" x="${left - 6}" y="${y + panelHeight + 4}">0</text>
    <line class="axis" x1="${left}" x2="${right}" y1="${y + panelHeight}" y2="${y + panelHeight}"/>
    ${drawSteps('said', said, ms, across, up)}
    ${drawSteps('heard', heard, ms, across, up)}
  </g>`;
}

/** A line that rises by one at each of these times. */
function drawSteps(name, times, ms, across, up) {
  const steps = times.map((at, index) => `H${across(at)}V${up(index + 1)}`);
  return `<path class="${name}" d="M${across(0)} ${up(0)}${steps.join('')}H${across(ms)}"/>`;
}
