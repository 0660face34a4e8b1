/**
 * A row is one load, and what it gave for each subject. The kind of a subject is 'tunl', 'peer' or 'bound'; a bound is
 * shown and not compared with.
 *
 * @typedef {{ name: string, unit: string, better?: 'more' | 'less', panel?: string }} Figure a value of each sample;
 *   without `better` it is shown and not compared
 * @typedef {{
 *   error?: string, runs?: number[], [figure: string]: number | string | number[] | null | undefined,
 * }} Sample of one round; `runs` are the single measurements that it is the median of, if there are any
 * @typedef {{ name: string, kind: string, samples: Sample[] }} Measured a subject with a sample for each round
 * @typedef {{
 *   part: string, title: string, figures: Figure[], subjects: Measured[],
 *   steadyBy?: string[], discarded?: Measured[][],
 * }} Row `steadyBy` names the figures that tell a noisy run, the first one by default; `discarded` are earlier attempts
 * @typedef {{ ratio: number, low: number, high: number, peer: string }} Comparison above 1 tunl is ahead
 */

/** A peer that moves by more than this between rounds makes a row doubtful. */
export const steadyShare = 0.15;

/** A subject that reaches this share of the load generator's own best may be held back by it. */
const nearBound = 1 / 1.5;

/**
 * The middle of the values, or the mean of the two in the middle; NaN of none.
 * @param {number[]} values
 */
export function median(values) {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * The median of a figure over the rounds that have it; NaN if none has.
 * @param {Measured} subject
 * @param {string} name
 */
export function readMedian({ samples }, name) {
  return median(readValues(samples, name));
}

/**
 * Compares a subject with the peer that is best in this figure. `low` and `high` are the smallest and the largest ratio
 * of a round. Undefined where a side has no figure above zero.
 * @param {Row} row
 * @param {Measured} subject
 * @param {Figure} figure
 * @returns {Comparison | undefined}
 */
export function compareWithBest({ subjects }, subject, { name, better }) {
  if (better === undefined || subject.kind !== 'tunl') return undefined;
  const best = findBest(subjects, name, better);
  if (!best) return undefined;
  const divide = (mine, theirs) => (better === 'more' ? mine / theirs : theirs / mine);
  const ratio = divide(readMedian(subject, name), readMedian(best, name));
  if (!isRatio(ratio)) return undefined;
  const ofRounds = subject.samples
    .map((sample, round) => divide(readValue(sample, name), readValue(best.samples[round], name)))
    .filter(isRatio);
  return { ratio, low: Math.min(ratio, ...ofRounds), high: Math.max(ratio, ...ofRounds), peer: best.name };
}

function findBest(subjects, name, better) {
  const sign = better === 'more' ? -1 : 1;
  const peers = subjects.filter((peer) => peer.kind === 'peer' && readMedian(peer, name) > 0);
  return peers.toSorted((one, other) => sign * (readMedian(one, name) - readMedian(other, name)))[0];
}

/**
 * Returns how far each peer moved between the rounds: the distance of the extremes, as a share of the median.
 * @param {Row} row
 */
function listMovements({ subjects, figures, steadyBy = figures.slice(0, 1).map(({ name }) => name) }) {
  const peers = subjects.filter(({ kind }) => kind === 'peer');
  return peers.flatMap((peer) =>
    steadyBy.map((figure) => {
      const values = readValues(peer.samples, figure);
      const share = values.length < 2 ? 0 : (Math.max(...values) - Math.min(...values)) / median(values);
      return {
        name: peer.name,
        where: steadyBy.length > 1 ? ` in "${figure}"` : '',
        share: Number.isFinite(share) ? share : 0,
      };
    }),
  );
}

/**
 * Returns how far the peer that moved most did so, as a share of its median.
 * @param {Row} row
 */
export function readMovement(row) {
  return Math.max(0, ...listMovements(row).map(({ share }) => share));
}

/**
 * Says in how many rows of a run a peer moved; undefined if in none.
 * @param {Row[]} rows
 */
export function sumMovements(rows) {
  const count = rows.filter((row) => readMovement(row) > steadyShare).length;
  if (count === 0) return undefined;
  return `not steady: in ${count} of ${rows.length} rows a peer moved by more than ${steadyShare * 100} % between rounds`;
}

/**
 * Lists the facts that a reader has to know of a row beside its figures, a sentence each.
 * @param {Row} row
 * @returns {string[]}
 */
export function listNotes(row) {
  const moved = listMovements(row)
    .filter(({ share }) => share > steadyShare)
    .map(({ name, where, share }) => `${name} moved by ${(share * 100).toFixed(0)} % between rounds${where}`);
  const failures = row.subjects.flatMap(({ name, samples }) => {
    const count = readValues(samples, 'failures').reduce((sum, value) => sum + value, 0);
    const errors = new Set(samples.flatMap(({ error }) => error ?? []));
    return [...(count > 0 ? [`${name}: ${count} failed`] : []), ...[...errors].map((error) => `${name}: ${error}`)];
  });
  return [...moved, ...noteBound(row), ...failures];
}

function noteBound({ subjects, figures: [figure] }) {
  const bound = subjects.find(({ kind, name }) => kind === 'bound' && name === 'direct');
  if (!bound || figure?.better !== 'more') return [];
  const most = readMedian(bound, figure.name);
  const near = subjects.filter(
    (subject) => subject.kind !== 'bound' && readMedian(subject, figure.name) > most * nearBound,
  );
  if (near.length === 0) return [];
  const names = near.map(({ name }) => name).join(', ');
  return [`the load generator alone is within 1.5 x of ${names}: it may be what was measured`];
}

function readValues(samples, name) {
  return samples.map((sample) => readValue(sample, name)).filter(Number.isFinite);
}

/** NaN for what was not measured; the load generator says null for that. */
function readValue(sample, name) {
  return sample?.[name] ?? Number.NaN;
}

function isRatio(value) {
  return Number.isFinite(value) && value > 0;
}
