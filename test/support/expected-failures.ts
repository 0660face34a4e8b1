import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, type RunnerTask } from 'vitest';

/** From version 1.69 on, nghttp2 ends a session after about 10,000 frames that do nothing; Node has no option against it. */
const idleFrames = [
  'test/http/h2/floods.test.ts > over clear > 100,000 PRIORITY frames end nothing',
  'test/http/h2/floods.test.ts > over clear > 100,000 frames of a type that nobody knows end nothing',
  'test/http/h2/floods.test.ts > over tls > 100,000 PRIORITY frames end nothing',
  'test/http/h2/floods.test.ts > over tls > 100,000 frames of a type that nobody knows end nothing',
  'test/http/h2/hostile-proxy.test.ts > what may come before and beside the answer > 100,000 frames of PRIORITY',
  'test/http/h2/hostile-proxy.test.ts > what may come before and beside the answer > 100,000 frames of a type that nobody knows',
];

/**
 * The tests that fail on the newest releases of a major version of Node for a reason that this project cannot change. If
 * one of them passes there, or if a name belongs to no test, the run fails, so that the table stays correct.
 */
const expectedFailures: Readonly<Record<string, readonly string[]>> = {
  22: idleFrames,
  24: idleFrames,
  26: idleFrames,
};

const root = fileURLToPath(new URL('../..', import.meta.url));
const [major = ''] = process.versions.node.split('.');
const here = new Set(expectedFailures[major]);

const nameOf = ({ file, fullTestName }: RunnerTask) => `${relative(root, file.filepath)} > ${fullTestName}`;

function listNames(task: RunnerTask): string[] {
  return 'tasks' in task ? task.tasks.flatMap(listNames) : [nameOf(task)];
}

beforeEach(({ task }) => {
  const path = `${relative(root, task.file.filepath)} > `;
  const listed = [...here].filter((name) => name.startsWith(path));
  if (listed.length === 0) return;
  const names = new Set(listNames(task.file));
  const gone = listed.filter((name) => !names.has(name));
  if (gone.length > 0) throw new Error(`expected to fail, but no test has this name: ${gone.join(', ')}`);
  // Like `test.fails`, which would have to be written at each test.
  if (here.has(nameOf(task))) (task as { fails?: boolean }).fails = true;
});
