// The load generator: a worker that runs one job at a time and answers with what it measured.
import { runPaced } from './paced.mjs';
import { runDownloads, runRequests, runUploads } from './request-jobs.mjs';
import { closeIdle, openIdle, runDown, runNewTunnels, runRoundTrips, runUp } from './tunnel-jobs.mjs';

/** The kinds of jobs, each with the function that runs it. */
const jobs = {
  down: runDown,
  up: runUp,
  rtt: runRoundTrips,
  new: runNewTunnels,
  idle: openIdle,
  release: closeIdle,
  paced: runPaced,
  requests: runRequests,
  downloads: runDownloads,
  uploads: runUploads,
};

process.on('message', (job) => {
  jobs[job.kind](job).then(
    (answer) => process.send(answer),
    (error) => process.send({ error: error.message }),
  );
});
process.on('disconnect', () => process.exit());
