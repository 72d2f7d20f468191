/**
 * Every limit of the gateway in one place, each with its reason; relations between them are checked below.
 */

/**
 * What may wait for one link. Seconds of a busy link's traffic: long enough for a server's restart, short enough
 * that two full outlets do not threaten a small machine (DC10).
 */
export const OUTLET_BYTES_MAX = 64 * 1024 * 1024;
