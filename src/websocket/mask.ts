/** The types of Node 20 lack what we use of it. */
declare global {
  namespace WebAssembly {
    class Module {
      constructor(bytes: Uint8Array);
    }
    class Instance {
      constructor(module: Module);
      readonly exports: unknown;
    }
  }
}

/** Masks bytes that lie at the beginning of its memory, 16 at a time. */
interface Masker {
  readonly memory: { readonly buffer: ArrayBuffer };
  /** Masks as many bytes as there are before `end`, and at most 15 more. */
  readonly mask: (end: number, mask: number) => void;
}

/** The memory of a Masker, which is one page. */
const pageBytes = 64 * 1024;

/** Below this, the way into the memory of the Masker and back takes longer than masking byte by byte. */
const fewBytes = 64;

// oxfmt-ignore
const moduleBytes = Uint8Array.of(
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00,
  // The type (i32, i32) -> (), a function of that type, and a memory of one page.
  0x01, 0x06, 0x01, 0x60, 0x02, 0x7f, 0x7f, 0x00,
  0x03, 0x02, 0x01, 0x00,
  0x05, 0x03, 0x01, 0x00, 0x01,
  // The exports "memory" and "mask".
  0x07, 0x11, 0x02,
  0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x00,
  0x04, 0x6d, 0x61, 0x73, 0x6b, 0x00, 0x00,
  // One function with the locals $at: i32 and $wide: v128, beside its parameters $end and $mask.
  0x0a, 0x2d, 0x01, 0x2b, 0x02, 0x01, 0x7f, 0x01, 0x7b,
  0x20, 0x01, 0xfd, 0x11, 0x21, 0x03, //             $wide = i32x4.splat($mask)
  0x03, 0x40, //                                     loop
  0x20, 0x02, 0x20, 0x02, 0xfd, 0x00, 0x04, 0x00, //   $at, v128.load($at)
  0x20, 0x03, 0xfd, 0x51, //                           v128.xor($wide)
  0xfd, 0x0b, 0x04, 0x00, //                           v128.store
  0x20, 0x02, 0x41, 0x10, 0x6a, 0x22, 0x02, //         $at = $at + 16
  0x20, 0x00, 0x49, 0x0d, 0x00, //                     br_if ($at < $end)
  0x0b, 0x0b,
);

/** Undefined until it is needed; `none` where the machine, or an option of Node, does not allow it. */
let masker: Masker | 'none' | undefined;
let page: Buffer;

/** Returns the mask as it applies behind some bytes. */
export function turnMask(mask: number, bytes: number): number {
  const bits = (bytes & 3) * 8;
  return (mask >>> bits) | (mask << (32 - bits));
}

/**
 * Masks or unmasks bytes (RFC 6455, section 5.3) and writes them to a place, which may overlap theirs if it begins before
 * it.
 * @param mask its four bytes as a little-endian number; the first of them belongs to the first byte
 */
export function maskTo(target: Buffer, targetStart: number, source: Buffer, start: number, end: number, mask: number) {
  if (end - start >= fewBytes) masker ??= startMasker();
  if (end - start < fewBytes || !masker || masker === 'none') {
    return maskBytes(target, targetStart, source, start, end, mask);
  }
  for (let at = start; at < end; at += pageBytes) {
    const bytes = source.copy(page, 0, at, Math.min(end, at + pageBytes));
    masker.mask(bytes, mask);
    page.copy(target, targetStart + at - start, 0, bytes);
  }
}

/** As `maskTo`, byte by byte. */
export function maskBytes(
  target: Buffer,
  targetStart: number,
  source: Buffer,
  start: number,
  end: number,
  mask: number,
): void {
  const shift = targetStart - start;
  for (let at = start; at < end; at++) {
    target[at + shift] = (source[at] as number) ^ (mask >>> (((at - start) & 3) * 8));
  }
}

/** Words of JavaScript are several times as slow, and much slower before they are compiled. */
function startMasker(): Masker | 'none' {
  try {
    const started = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes)).exports as Masker;
    page = Buffer.from(started.memory.buffer);
    return started;
  } catch {
    return 'none';
  }
}
