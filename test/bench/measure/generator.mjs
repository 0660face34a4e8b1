/** A job that has not ended this long after its time is given up. */
const patienceMs = 120_000;

/** Starts the origin of tunnels, or that of requests, and a load generator. */
export async function startLoad(bench, file = 'origin.mjs') {
  const origin = bench.startWorker(file);
  const { port: originPort } = await origin.ask({ backlog: 4096 });
  let generator = bench.startWorker('load.mjs');
  /** Puts a job on a subject. A generator that hangs is replaced. */
  const run = async ({ port, form }, job) => {
    const used = generator;
    const answer = used.ask({ port, form, originPort, ...job });
    const limit = (job.seconds ?? 0) * 1000 + patienceMs;
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error('the load did not end')), limit);
    });
    try {
      return await Promise.race([answer, late]);
    } catch (error) {
      await bench.end(used.child);
      generator = bench.startWorker('load.mjs');
      throw error;
    } finally {
      clearTimeout(timer);
    }
  };
  return {
    originPort,
    run,
    /** The load generator and the origin with nothing between them, as a bound. */
    direct: { name: 'direct', kind: 'bound', form: 'raw', port: originPort, children: [] },
    stop: () => Promise.all([origin, generator].map(({ child }) => bench.end(child))),
  };
}
