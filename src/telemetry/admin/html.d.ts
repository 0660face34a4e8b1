/** HTML files are bundled as text. */
declare module '*.html' {
  const text: string;
  export { text as default };
}
