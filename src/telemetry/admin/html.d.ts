/** Files of the page are bundled as they are. */
declare module '*.html' {
  const text: string;
  export { text as default };
}
