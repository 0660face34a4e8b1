const units = ['K', 'M', 'G', 'T'] as const;

/** Writes a number of bytes in four characters, like `ls -h`: `512`, `1.5K`, `586K`, `3.0G`, in powers of 1024. */
export function formatAmount(bytes: number): string {
  if (bytes < 999.5) return String(Math.round(bytes));
  // A number that would need four digits gets the next unit.
  const power = units.findIndex((_unit, index) => bytes / 1024 ** (index + 1) < 999.5);
  const index = power < 0 ? units.length - 1 : power;
  const amount = bytes / 1024 ** (index + 1);
  return `${amount < 9.95 ? amount.toFixed(1) : Math.round(amount)}${units[index]}`;
}

const ages = [
  ['s', 1000, 100],
  ['m', 60_000, 100],
  ['h', 3_600_000, 48],
] as const;

/** Writes an age in the smallest unit that needs two digits at most: `9s`, `75s`, `99m`, `3d`. */
export function formatAge(ms: number): string {
  for (const [unit, size, limit] of ages) {
    if (ms < size * limit) return `${Math.floor(ms / size)}${unit}`;
  }
  return `${Math.floor(ms / 86_400_000)}d`;
}
