/** Writes into the store of the directory given until it is killed; prints `g7` once group 7 is kept, `c7` once CGA 7 is. */
import { argv } from "node:process";
import { loadPlatform } from "../../adapters/platform.ts";
import { cgaOf, GROUP_LEASES, leaseOf } from "./store-load.ts";

/** Groups on their way at one time. */
const UNDER_WAY = 20;

const { openStore, host } = await loadPlatform();
const store = openStore(argv[2]);
store.privateKey(() => new Uint8Array(64).fill(9));
let next = store.leases().reduce((most, { iaid }) => Math.max(most, iaid + 1), 0);
let cga = store.cgaParameters().size;

async function write(): Promise<void> {
  for (;;) {
    const group = next++;
    await store.commit({ leases: Array.from({ length: GROUP_LEASES }, (_, place) => leaseOf(group, place)) });
    host.print(`g${group}\n`);
    if (group % 16 !== 0) continue;
    const { ulid, ...value } = cgaOf(cga);
    const mine = cga++;
    store.putCga(ulid, value);
    host.print(`c${mine}\n`);
  }
}

await Promise.all(Array.from({ length: UNDER_WAY }, write));
