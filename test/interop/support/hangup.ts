import { type Command, launch, type Running } from './process.ts';

/** A program on a terminal that can go away. */
export interface HangupRun extends Running {
  /** Resolves with the first match in what the terminal shows. */
  waitForScreen(pattern: RegExp): Promise<RegExpExecArray>;
  /** Closes the terminal, as when its window is closed. */
  hangUp(): void;
  /** Resolves once the program has ended after that, with the name of the signal that ended it, or its status. */
  waitForEnd(): Promise<string>;
}

// The program leads the session of the terminal, which goes away at the first byte of our input.
const script = `
import fcntl, os, pty, select, signal, struct, sys, termios
pid, master = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 30, 100, 0, 0))
    os.execvp(sys.argv[1], sys.argv[1:])
while True:
    ready, _, _ = select.select([master, 0], [], [])
    if 0 in ready: break
    try: os.write(1, os.read(master, 65536))
    except OSError: break
os.close(master)
_, status = os.waitpid(pid, 0)
end = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else str(os.WEXITSTATUS(status))
os.write(1, f'\\nENDED {end}\\n'.encode())
`;

/** Runs a program on a terminal that can go away. */
export function launchForHangup({ file, args, env }: Command): HangupRun {
  const command = { file: 'python3', args: ['-c', script, file, ...args], env: { TERM: 'xterm', ...env } };
  const running = launch(command);
  const waitForScreen = (pattern: RegExp) =>
    running.waitFor(String(pattern), () => pattern.exec(running.stdout().toString()) ?? undefined);
  return {
    ...running,
    waitForScreen,
    hangUp: () => void running.child.stdin?.write('.'),
    waitForEnd: async () => (await waitForScreen(/^ENDED (\w+)$/m))[1] as string,
  };
}
