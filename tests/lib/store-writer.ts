/** Writes into the store of the directory given until it is killed; prints each number once it is kept. */
import { argv } from "node:process";
import { loadPlatform } from "../../adapters/platform.ts";

const { openStore, host } = await loadPlatform();
const store = openStore(argv[2]);
store.privateKey(() => new Uint8Array(64).fill(9));
for (let i = store.cgaParameters().size; ; i++) {
  store.putCga(`fc00::${i.toString(16)}`, { name: `h${i}`, pds: new Uint8Array(300).fill(i) });
  host.print(`${i}\n`);
}
