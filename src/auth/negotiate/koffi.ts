import { isKnownMachine, type Koffi, Native } from './native.ts';
import type { TokenContext, TokenOrder, TokenSource } from './tokens.ts';
import { single } from '../../core/program.ts';
import { Slots } from '../../core/waiting.ts';

/** Calls that may run at a time: they take threads that reading files and looking up names need too, and Node has four. */
const mostAtOnce = 2;

/** Loads koffi. It throws if it is not installed, or does not run here. */
export type LoadKoffi = () => Promise<Koffi>;

/** The optional package. It is never bundled and has to lie where Node finds it from our own files. */
const loadInstalled: LoadKoffi = async () => {
  const name = 'koffi';
  const { default: koffi } = (await import(name)) as { readonly default: Koffi };
  return koffi;
};

/**
 * Makes a source of tokens that calls the system's own library: GSSAPI, or SSPI on Windows. Its tokens have the
 * channel binding, and it checks the proofs of proxies.
 */
export function createKoffiSource(load: LoadKoffi = loadInstalled): TokenSource {
  const slots = new Slots(mostAtOnce);
  let opened: Promise<Opened> | undefined;
  const open = () => (opened ??= openLibrary(load, slots));
  return {
    name: 'koffi',
    bindsChannels: true,
    whyNot: async () => (await open()).whyNot,
    open: async (order) => {
      const { library, whyNot } = await open();
      if (!library) throw new Error(whyNot);
      return library.open(order);
    },
  };
}

interface Library {
  open(order: TokenOrder): TokenContext;
}

interface Opened {
  readonly library?: Library;
  readonly whyNot?: string;
}

async function openLibrary(load: LoadKoffi, slots: Slots): Promise<Opened> {
  if (single) return { whyNot: 'the single executable does not load koffi' };
  if (!isKnownMachine()) return { whyNot: `koffi is not used on ${process.arch}` };
  let koffi: Koffi;
  try {
    koffi = await load();
  } catch (error) {
    return { whyNot: isMissing(error) ? 'koffi is not installed' : `koffi does not run: ${firstLine(error)}` };
  }
  try {
    const native = new Native(koffi);
    if (process.platform === 'win32') {
      const { Sspi } = await import('./sspi.ts');
      return { library: new Sspi(native, slots) };
    }
    const { Gssapi } = await import('./gssapi.ts');
    const library = new Gssapi(native, slots);
    endWithCalls(koffi, native);
    return { library };
  } catch (error) {
    return { whyNot: `the system's library cannot be opened: ${firstLine(error)}` };
  }
}

/** Node waits for its threads when the program ends, and a call may wait half a minute for a server that is away. */
function endWithCalls(koffi: Koffi, native: Native): void {
  const exit = koffi.load(null).func('_exit', 'void', ['int']);
  process.on('exit', (status) => {
    if (native.isCalling) exit(status);
  });
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n', 1)[0] ?? '';
}
