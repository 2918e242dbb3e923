/** The bundler turns a WebAssembly file into its octets. */
declare module "*.wasm" {
  const octets: Uint8Array<ArrayBuffer>;
  export default octets;
}

/** Files of the dashboard, as build/dashboard.ts packs them. */
declare module "*.pack" {
  const files: readonly import("../runtime/api/page.ts").PageFile[];
  export default files;
}

/** Version of the program, put in by the bundler. */
declare const PSHIM6_VERSION: string;
