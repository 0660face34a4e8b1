import { escape, round } from '../../../scripts/svg.mjs';
import { compareWithBest, readMovement, steadyShare } from './figures.mjs';
import { formatRatio } from './table.mjs';

/** The columns of the picture, as far as a row has them: which figures each shows. */
const panels = [
  { key: 'work', title: 'rate, time, memory' },
  { key: 'cost', title: 'CPU for the same work' },
  { key: 'tail', title: 'slowest 1 %' },
];

const width = 1080;
const labelWidth = 270;
const gap = 24;
const valueWidth = 44;
/** Room that the label of a tick needs. */
const tickWidth = 30;
const lineHeight = 20;
const headHeight = 76;
const footHeight = 34;

/** Colours of GitHub's pages, light and dark; blue and orange differ for everybody. */
const style = `
    svg { --ground: #ffffff; --text: #1f2328; --faint: #59636e; --line: #d1d9e0; --ahead: #0969da; --behind: #bc4c00 }
    @media (prefers-color-scheme: dark) {
      svg { --ground: #0d1117; --text: #f0f6fc; --faint: #9198a1; --line: #3d444d; --ahead: #4493f8; --behind: #f0883e }
    }
    text { font: 12px system-ui, sans-serif; fill: var(--text) }
    .ground { fill: var(--ground) }
    .title { font-weight: 600; font-size: 15px }
    .part { font-weight: 600 }
    .faint { fill: var(--faint); font-size: 11px }
    .right { text-anchor: end }
    .middle { text-anchor: middle }
    .tick { stroke: var(--line) }
    .par { stroke: var(--faint); stroke-width: 1.5 }
    .bar { stroke-width: 2; fill: none }
    .ahead .bar { stroke: var(--ahead) } .behind .bar { stroke: var(--behind) }
    .ahead circle { fill: var(--ahead); stroke: var(--ahead) } .behind circle { fill: var(--behind); stroke: var(--behind) }
    .doubtful circle { fill: var(--ground); stroke-width: 2 }
  `;

/**
 * Draws the ratios of a run to its best peers, each with a bar from the smallest to the largest ratio of a round, as an
 * SVG for light and dark pages.
 * @param {import('./json.mjs').Run} run
 */
export function drawRatios(run) {
  const lines = listLines(run.rows);
  const used = panels.filter(({ key }) => lines.some(({ marks }) => marks?.[key]));
  const height = headHeight + lines.length * lineHeight + footHeight;
  const panelWidth = (width - labelWidth - gap) / Math.max(1, used.length);
  const body = used.map(({ key, title }, index) => {
    const left = labelWidth + index * panelWidth + gap / 2;
    return drawPanel({ key, title, left, right: left + panelWidth - gap - valueWidth }, lines);
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
  <title>tunl against the best peer of each row</title>
  <desc>${escape(describe(lines))}</desc>
  <style>${style}</style>
  <rect class="ground" width="${width}" height="${height}" rx="6"/>
  <text class="title" x="16" y="26">tunl against the best peer of each row: to the right of 1 it is ahead</text>
  <text class="faint" x="16" y="44">${escape(describeRun(run))}</text>
  ${drawLabels(lines)}
  ${body.join('\n  ')}
</svg>
`;
}

/** A line for each part, and below it one for each subject of tunl in each row that compares anything. */
function listLines(rows) {
  const lines = [];
  let part;
  for (const row of rows) {
    const mine = row.subjects.filter(({ kind }) => kind === 'tunl');
    for (const subject of mine) {
      const marks = collectMarks(row, subject);
      if (Object.keys(marks).length === 0) continue;
      if (part !== row.part) lines.push({ part: row.part });
      part = row.part;
      const label = mine.length > 1 ? `${row.title} ${subject.name}`.trim() : row.title;
      lines.push({ label, of: row.part, marks, doubtful: readMovement(row) > steadyShare });
    }
  }
  return lines;
}

function collectMarks(row, subject) {
  const marks = {};
  for (const figure of row.figures) {
    const comparison = figure.panel === undefined ? undefined : compareWithBest(row, subject, figure);
    if (comparison) marks[figure.panel] = comparison;
  }
  return marks;
}

function drawLabels(lines) {
  return lines
    .map(({ part, label }, index) => {
      const y = lineAt(index) + 4;
      return part === undefined
        ? `<text class="right" x="${labelWidth - 4}" y="${y}">${escape(label)}</text>`
        : `<text class="part" x="16" y="${y}">${escape(part)}</text>`;
    })
    .join('\n  ');
}

function drawPanel({ key, title, left, right }, lines) {
  const shown = lines.map(({ marks, doubtful }, index) => ({ mark: marks?.[key], doubtful, y: lineAt(index) }));
  const ticks = chooseTicks(shown.flatMap(({ mark }) => (mark ? [mark.low, mark.high] : [])));
  const labels = (right - left) / ticks.length < tickWidth ? ticks.filter(isPowerOfTen) : ticks;
  const place = makeScale(ticks, left, right);
  const bottom = headHeight + lines.length * lineHeight;
  const grid = ticks.map((tick) => {
    const x = place(tick);
    return `<line class="${tick === 1 ? 'par' : 'tick'}" x1="${x}" x2="${x}" y1="${headHeight - 8}" y2="${bottom}"/>`;
  });
  const scale = labels.map((tick) => `<text class="faint middle" x="${place(tick)}" y="${bottom + 16}">${tick}</text>`);
  const drawn = shown.flatMap(({ mark, ...where }) => (mark ? [drawMark(mark, where, place, right)] : []));
  return `<g>
    <text class="part" x="${round(left)}" y="${headHeight - 14}">${escape(title)}</text>
    ${[...grid, ...scale, ...drawn].join('\n    ')}
  </g>`;
}

function drawMark({ ratio, low, high, peer }, { y, doubtful }, place, right) {
  const [from, at, to] = [low, ratio, high].map(place);
  return `<g class="${ratio >= 1 ? 'ahead' : 'behind'}${doubtful ? ' doubtful' : ''}">
      <title>${escape(`${formatRatio(ratio)} x ${peer}, from ${formatRatio(low)} to ${formatRatio(high)}`)}</title>
      <path class="bar" d="M${from} ${y}H${to}M${from} ${y - 4}V${y + 4}M${to} ${y - 4}V${y + 4}"/>
      <circle cx="${at}" cy="${y}" r="4"/>
      <text class="right" x="${round(right + valueWidth)}" y="${y + 4}">${formatRatio(ratio)}</text>
    </g>`;
}

/** Steps of 1, 2 and 5 from below the least value to above the largest; always with 1, and with something beside it. */
function chooseTicks(values) {
  const steps = Array.from({ length: 9 }, (_, index) => index - 4).flatMap((power) =>
    [1, 2, 5].map((digit) => Number(`${digit}e${power}`)),
  );
  const least = Math.min(0.5, ...values);
  const most = Math.max(2, ...values);
  const first = steps.findLastIndex((step) => step <= least);
  const last = steps.findIndex((step) => step >= most);
  return steps.slice(Math.max(0, first), last === -1 ? undefined : last + 1);
}

/** A logarithmic scale, so that half and double are at the same distance from 1. Values outside go to its ends. */
function makeScale(ticks, left, right) {
  const [from, to] = [ticks[0], ticks[ticks.length - 1]].map(Math.log);
  return (value) => {
    const share = (Math.log(value) - from) / (to - from);
    return round(left + Math.min(1, Math.max(0, share)) * (right - left));
  };
}

function describe(lines) {
  const said = lines.flatMap(({ of, label, marks }) =>
    marks?.work ? [`${of} ${label}: ${formatRatio(marks.work.ratio)}`] : [],
  );
  return said.length === 0 ? 'There is nothing to compare with.' : `Ratios: ${said.join('; ')}.`;
}

function describeRun({ started, node, processors, load, rows }) {
  const rounds = Math.max(0, ...rows.flatMap(({ subjects }) => subjects.map(({ samples }) => samples.length)));
  const averages = [load.before, load.after].map(([oneMinute]) => oneMinute.toFixed(1)).join(' and ');
  return (
    `medians and extremes of up to ${rounds} rounds on ${started.slice(0, 10)}, Node ${node}, ` +
    `${processors} processors, load ${averages} before and after; hollow: a peer moved between rounds`
  );
}

function isPowerOfTen(tick) {
  return Number.isInteger(Math.log10(tick));
}

function lineAt(index) {
  return headHeight + index * lineHeight + lineHeight / 2;
}
