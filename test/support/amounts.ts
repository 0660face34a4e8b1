/** True in `npm run test:long`, which runs the same tests with larger numbers. */
const isLong = process.env['TUNL_TEST_LONG'] === '1';

/** Chooses an amount for a test: `long` in `npm run test:long`, otherwise `usual`. */
export function amount(usual: number, long: number): number {
  return isLong ? long : usual;
}
