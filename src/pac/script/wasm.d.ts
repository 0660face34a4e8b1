/** WebAssembly files are put beside the bundle; the text is their URL, relative to it. */
declare module '*.wasm' {
  const url: string;
  export { url as default };
}

/** The part of the global object that we use; the types of Node 20 do not have it. */
declare namespace WebAssembly {
  interface Module {}
  function compile(bytes: Uint8Array): Promise<Module>;
}
