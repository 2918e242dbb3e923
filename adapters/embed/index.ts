/** What `pshim6` is to a program that imports it. */
export * from "../../runtime/embed/site.ts";

/** Version of this package. */
export const version: string = PSHIM6_VERSION;
