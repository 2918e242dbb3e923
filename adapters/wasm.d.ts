/** The bundler turns a WebAssembly file into its octets. */
declare module "*.wasm" {
  const octets: Uint8Array<ArrayBuffer>;
  export default octets;
}

/** Version of the program, put in by the bundler. */
declare const PSHIM6_VERSION: string;
