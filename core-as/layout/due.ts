/** Why a context is reported to the control thread. */
export const DUE_SEND_TIMEOUT = 1;
/** A Keepalive Interval passed since the Keepalive timer started or the last one. */
export const DUE_KEEPALIVE = 2;
/** The Keepalive Timeout: one last Keepalive, the timer is stopped. */
export const DUE_KEEPALIVE_LAST = 3;
/** A payload packet arrived at a context under watch. */
export const DUE_RECEIVED = 4;
/** No packet either way for the idle timeout. Comes again after as long, while nothing moves. */
export const DUE_IDLE = 5;

/** Entry of the due list that `advance` fills: id, kind, generation; u32 each. */
export const DUE_ID = 0;
export const DUE_KIND = DUE_ID + 4;
export const DUE_GENERATION = DUE_KIND + 4;
export const DUE_OCTETS = DUE_GENERATION + 4;
/** Entries at most in one call. */
export const DUE_MAX = 256;

/** Entry of a lane's activity ring: u32, the id, and this bit when the context was under watch rather than woken. */
export const ACTIVITY_RECEIVED = 0x4000_0000;
