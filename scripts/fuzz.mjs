// Runs the model of HTTP/2 with random seeds, `npm run fuzz -- MINUTES` (60), or with given ones, `npm run fuzz -- --seeds N,N`.
// A failure names its seed.
import { spawnSync } from 'node:child_process';

const [first = '60', second = ''] = process.argv.slice(2);
const env = first === '--seeds' ? { TUNL_FUZZ_SEEDS: second } : { TUNL_FUZZ_MINUTES: first };
const args = ['vitest', 'run', '--project', 'fast', 'test/h2/model.test.ts'];
const { status } = spawnSync('npx', args, { stdio: 'inherit', env: { ...process.env, ...env } });
process.exitCode = status ?? 1;
