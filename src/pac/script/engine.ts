import { readFile } from 'node:fs/promises';
import { JSException, type JSValueHandle, QuickJS } from 'quickjs-wasi';
import wasm from 'quickjs-wasi/quickjs.wasm';
import { single } from '../../core/program.ts';
import type { PacValue } from './time-ranges.ts';

/** The longest text that a function takes or returns, in characters: matching is not interrupted. */
const maxText = 8192;

/** The parts and the limits of an engine. */
export interface EngineOptions {
  /** The functions that scripts may call. */
  readonly functions: ReadonlyMap<string, (args: readonly PacValue[]) => PacValue>;
  /** The time of each call, in milliseconds. */
  readonly passMs: number;
  readonly memoryBytes: number;
  /** True if the script is to be stopped at once, in a way that it cannot catch. */
  readonly isStopped: () => boolean;
}

/** Thrown when a script fails. With `limit` it went beyond its time or its memory, and the engine must not be used again. */
export class EngineError extends Error {
  readonly kind: 'script' | 'limit';

  constructor(kind: 'script' | 'limit', message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

/** Compiled once for all engines of the process. */
let compiled: Promise<WebAssembly.Module> | undefined;

async function compile(): Promise<WebAssembly.Module> {
  const bytes = single
    ? new Uint8Array(single.getRawAsset('dist/quickjs.wasm'))
    : await readFile(new URL(wasm, import.meta.url));
  return WebAssembly.compile(bytes);
}

/** Makes an engine: QuickJS with a memory of its own, without any access to this process but the given functions. */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  compiled ??= compile();
  const watch = new Watch(options);
  const vm = await QuickJS.create({
    wasm: await compiled,
    memoryLimit: options.memoryBytes,
    interruptHandler: () => watch.isOver(),
  });
  for (const [name, act] of options.functions) {
    const made = vm.newFunction(name, (...args) => toHandle(vm, act(args.map(readArgument))));
    vm.setProp(vm.global, name, made);
    made.dispose();
  }
  return new Engine(vm, watch);
}

/** The time that a call may take on a busy machine, as a multiple of its limit. */
const patience = 5;

/** Tells whether the script that runs has to stop. */
class Watch {
  readonly #options: EngineOptions;
  #started = 0;
  #cpu = process.cpuUsage();
  isLate = false;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  get passMs(): number {
    return this.#options.passMs;
  }

  start(): void {
    this.isLate = false;
    this.#started = performance.now();
    this.#cpu = process.cpuUsage();
  }

  isOver(): boolean {
    this.isLate ||= this.#hasTakenTooLong();
    return this.isLate || this.#options.isStopped();
  }

  /** On a busy machine a file is not to blame for the time in which others run: up to a point, only that of the processor counts. */
  #hasTakenTooLong(): boolean {
    const ms = performance.now() - this.#started;
    if (ms <= this.passMs) return false;
    const { user, system } = process.cpuUsage(this.#cpu);
    return ms > patience * this.passMs || (user + system) / 1000 > this.passMs;
  }
}

/** Runs one script. All methods block, for no longer than the time of a call. */
export class Engine {
  readonly #vm: QuickJS;
  readonly #watch: Watch;

  constructor(vm: QuickJS, watch: Watch) {
    this.#vm = vm;
    this.#watch = watch;
  }

  /** Runs a script, which defines functions. @throws {EngineError} */
  load(text: string): void {
    this.#run(() => this.#vm.evalCode(text, 'proxy.pac').dispose());
  }

  /** Checks that the script has defined the function that decides. @throws {EngineError} */
  assertDecides(): void {
    this.#run(() => this.#findFunction().dispose());
  }

  /**
   * Calls the function that decides.
   * @returns its result; an object stands for anything that is no plain value
   * @throws {EngineError}
   */
  decide(url: string, host: string): PacValue | object {
    return this.#run(() => {
      const vm = this.#vm;
      const [decide, ...args] = [this.#findFunction(), vm.newString(url), vm.newString(host)];
      try {
        const result = vm.callFunction(decide, vm.undefined, ...args);
        const value = readValue(result);
        result.dispose();
        return value;
      } finally {
        for (const handle of [decide, ...args]) handle.dispose();
      }
    });
  }

  close(): void {
    this.#vm.dispose();
  }

  #findFunction(): JSValueHandle {
    // Browsers call this one, even if there is one for both families of addresses; a constant is no property of the global object.
    const text = ['FindProxyForURL', 'FindProxyForURLEx']
      .map((name) => `typeof ${name} === 'function' ? ${name} : `)
      .join('');
    const found = this.#vm.evalCode(`${text}undefined`, 'tunl');
    if (found.isFunction) return found;
    found.dispose();
    throw new EngineError('script', 'it has no function FindProxyForURL');
  }

  #run<T>(work: () => T): T {
    this.#watch.start();
    try {
      return work();
    } catch (error) {
      throw this.#explain(error);
    }
  }

  #explain(error: unknown): EngineError {
    if (error instanceof EngineError) return error;
    if (this.#watch.isLate) return new EngineError('limit', `it ran for more than ${this.#watch.passMs} ms`, error);
    // Any other kind of error comes from the engine itself, whose state is not known then.
    if (!(error instanceof JSException)) return new EngineError('limit', `the engine failed: ${String(error)}`, error);
    const message = describe(error);
    if (this.#watch.isLate) return this.#explain(error);
    if (/out of memory/i.test(message)) return new EngineError('limit', 'it used too much memory');
    return new EngineError('script', message);
  }
}

/** Describes what a script threw. To read it may run code of the script, whose time is still limited. */
function describe(thrown: JSException): string {
  try {
    const { name, message } = thrown;
    return `${name}: ${message}`.slice(0, maxText);
  } catch {
    return 'it threw something that cannot be read';
  } finally {
    thrown.dispose();
  }
}

function readValue(handle: JSValueHandle): PacValue | object {
  if (handle.isString) return handle.toString();
  if (handle.isNumber) return handle.toNumber();
  if (handle.isBool) return handle.toBoolean();
  if (handle.isUndefined) return undefined;
  return handle.isNull ? null : {};
}

function readArgument(handle: JSValueHandle): PacValue {
  if (handle.isString && handle.getProp('length').consume((length) => length.toNumber()) > maxText) {
    throw new RangeError(`a text of more than ${maxText} characters`);
  }
  const value = readValue(handle);
  if (typeof value === 'object' && value !== null) throw new TypeError('an argument is neither a text nor a number');
  return value;
}

function toHandle(vm: QuickJS, value: PacValue): JSValueHandle {
  switch (typeof value) {
    case 'string':
      return vm.newString(value);
    case 'number':
      return vm.newNumber(value);
    case 'boolean':
      return value ? vm.true : vm.false;
    default:
      return value === null ? vm.null : vm.undefined;
  }
}
