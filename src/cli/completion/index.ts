/** The completion script of a shell; undefined for a shell that we do not know. */
export function formatCompletion(shell: string): string | undefined {
  return shell === 'never' ? '' : undefined;
}
