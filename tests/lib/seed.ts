/** The seed of every property test: PSHIM6_SEED, or a fixed one. fast-check prints it when a property fails. */
import process from "node:process";

const given = Number(process.env.PSHIM6_SEED);

export const seed = Number.isInteger(given) ? given : 0x5533;
