/** Bounds of site.yaml that several parts of the schema share. */

/** Entries of `bindings`, `hosts` and `dhcp.reservations` at most. */
export const LIST_LIMIT = 65_536;
/** PATH_MAX of Linux without its final NUL. */
export const PATH_OCTETS = 4_095;
