/** The search for a modifier in threads, in this runtime. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createCrypto } from "../../adapters/common/crypto.ts";
import { systemEntropy } from "../../adapters/common/entropy.ts";
import { searchInThreads } from "../../adapters/search/threads.ts";
import { fillerKey, finish, generateCga, publicKeyExtension, verifyCga } from "../../runtime/cga/index.ts";
import { prefix } from "../../runtime/value/prefix.ts";
import { Reject } from "../../runtime/value/reject.ts";
import { errorOf } from "../lib/scratch.ts";

const crypto = createCrypto();
const publicKey = crypto.rsaPublic(crypto.rsaGenerate(1_024));
const extensions = [publicKeyExtension(fillerKey(new Uint8Array(48)))];
const search = { start: crypto.sha256(publicKey).slice(0, 16), publicKey, extensions, sec: 1 };

test("several threads find one modifier, and stop", async () => {
  const entry = new URL("../../adapters/main.ts", import.meta.url);
  const heard: number[] = [];
  const modifier = await searchInThreads(search, (tries) => heard.push(tries), { entropy: systemEntropy, entry, threads: 3 });
  assert.equal(
    heard,
    [...heard].sort((a, b) => a - b),
  );
  // A modifier that is right needs no second try.
  const cga = finish(generateCga(crypto, { prefix: prefix("fc00::/64"), publicKey, sec: 1, modifier, extensions }));
  assert.equal(cga.pds.slice(0, 16), modifier);
  assert.not.ok(verifyCga(crypto, cga.address, cga.pds) instanceof Reject);
});

test("a thread that dies ends the search", async () => {
  const entry = new URL("data:text/javascript,throw new Error('no such search')");
  const failed = await errorOf(() => searchInThreads(search, () => undefined, { entropy: systemEntropy, entry, threads: 2 }));
  assert.is(failed.code, "failed");
  assert.match(failed.message, /^a thread of the search died: .*no such search/);
});

test.run();
