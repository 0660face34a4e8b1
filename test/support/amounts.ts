/** Whether this is `npm run test:long`, which runs the same tests with larger numbers. */
const isLong = process.env['TUNL_TEST_LONG'] === '1';

/** How many of something a test takes: `usual` in every run, `long` in `npm run test:long`. */
export function amount(usual: number, long: number): number {
  return isLong ? long : usual;
}
