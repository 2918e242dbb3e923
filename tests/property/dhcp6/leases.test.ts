/**
 * Random clients, a disk that fails now and then, kill -9 at any moment, calendars that jump. What a client was told is on the disk when
 * it is told, with its CGA parameters, and is never another client's.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Dhcp6Effect } from "../../../runtime/dhcp6/contract.ts";
import type { Address } from "../../../runtime/value/address.ts";
import { hex } from "../../../runtime/value/bytes.ts";
import type { Dhcp6Option } from "../../../runtime/wire/dhcp6.ts";
import { emitDhcp6 } from "../../../runtime/wire/dhcp6-message.ts";
import { DECLINE, REBIND, RELEASE, RENEW, REPLY, REQUEST, SOLICIT } from "../../../runtime/wire/dhcp6-number.ts";
import { dhcp6Option } from "../../../runtime/wire/dhcp6-option.ts";
import { clientId, Dhcp6World, HOUR, iaNa, read, serverId, told } from "../../lib/dhcp6.ts";
import { seed } from "../../lib/seed.ts";
import { Seeded } from "../../lib/shim6world.ts";

const CLIENTS = 8;
const MAX = 6;
const STEPS = 400;
const RUNS = 150;

/** A run; its faults are thrown. */
class Run {
  readonly random: Seeded;
  readonly world: Dhcp6World;
  /** What each client has, by its DUID and IAID. */
  readonly held = new Map<string, Address>();
  /** Whose an address is, for ever. */
  readonly owners = new Map<Address, string>();
  flying: Extract<Dhcp6Effect, { kind: "store" }> | undefined;
  told = 0;

  constructor(seed: number) {
    this.random = new Seeded(seed);
    this.world = new Dhcp6World({ max: MAX, preferred: HOUR, valid: 2 * HOUR, rapidCommit: true });
  }

  below(limit: number): number {
    return this.random.next() % limit;
  }

  carry(effects: readonly Dhcp6Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === "store") {
        assert.is(this.flying, undefined, "two groups on their way");
        this.flying = effect;
      }
      if (effect.kind === "reply") this.hear(effect.octets);
    }
    assert.ok(this.world.server.sizes.known <= MAX);
  }

  /** A client reads its answer, unless that is lost. */
  hear(octets: Uint8Array): void {
    const packet = read(octets);
    if (packet.kind !== "message" || packet.type !== REPLY) return;
    const client = hex(dhcp6Option(packet.options, "client-id")?.duid ?? new Uint8Array());
    const isLost = this.below(8) === 0;
    for (const ia of packet.options) {
      if (ia.kind !== "ia-na") continue;
      const key = `${client} ${ia.iaid}`;
      const { living, ended } = told({ ...packet, options: [ia] });
      for (const address of ended) if (!isLost && this.held.get(key) === address) this.held.delete(key);
      for (const address of living) {
        this.told++;
        const lease = this.world.disk.get(address);
        assert.equal(
          [lease?.state, hex(lease?.duid ?? new Uint8Array()), lease?.iaid],
          ["bound", client, ia.iaid],
          `${address} is not stored`,
        );
        assert.ok(this.world.cga.has(address), `${address} has no parameters`);
        const owner = this.owners.get(address) ?? client;
        assert.is(owner, client, `${address} is another's`);
        this.owners.set(address, client);
        if (!isLost) this.held.set(key, address);
      }
    }
  }

  send(): void {
    const n = 1 + this.below(CLIENTS);
    const iaid = 1 + this.below(2);
    const id = clientId(n);
    const key = `${id.kind === "client-id" ? hex(id.duid) : ""} ${iaid}`;
    const mine = this.held.get(key);
    const any = [...this.owners.keys()];
    // Now and then somebody names an address that is not his.
    const named = this.below(10) === 0 && any.length > 0 ? any[this.below(any.length)] : mine;
    const type = [SOLICIT, REQUEST, REQUEST, RENEW, REBIND, RELEASE, DECLINE][this.below(7)];
    const options: Dhcp6Option[] = [id, iaNa(iaid, ...(named === undefined ? [] : [named]))];
    if (type !== SOLICIT && type !== REBIND) options.push(serverId);
    if (type === SOLICIT && this.below(2) === 0) options.push({ kind: "rapid-commit" });
    if (type === RELEASE || type === DECLINE) {
      // Who gives an address back has heard all answers before: else one of these would tell of what is gone, and rightly.
      this.flush();
      this.held.delete(key);
    }
    const wire = emitDhcp6({ kind: "message", type, transaction: this.below(1000), options });
    for (let copies = 1 + (this.below(4) === 0 ? 1 : 0); copies > 0; copies--) this.carry(this.world.raw(wire));
  }

  step(): void {
    const { world } = this;
    const choice = this.below(100);
    if (choice < 60) this.send();
    else if (choice < 75) this.carry(world.step({ kind: "settled" }));
    else if (choice < 88) this.finish(choice < 86);
    else if (choice < 96) {
      this.flush();
      world.now += this.below(HOUR);
      world.wall += this.below(HOUR);
      this.carry(world.step({ kind: "time" }));
    } else if (choice < 98) world.wall += (this.below(3) - 1) * 1000 * HOUR;
    else {
      // The power is cut; the group that was on its way may have reached the disk or not, but nobody was told.
      if (this.below(2) === 0) this.write();
      this.flying = undefined;
      world.restart();
    }
  }

  flush(): void {
    this.carry(this.world.step({ kind: "settled" }));
    while (this.flying !== undefined) this.finish(true);
  }

  write(): void {
    const { disk, cga } = this.world;
    for (const { ulid, pds } of this.flying?.cga ?? []) cga.set(ulid, pds);
    for (const lease of this.flying?.leases ?? []) disk.set(lease.ulid, lease);
    for (const ulid of this.flying?.forgotten ?? []) disk.delete(ulid);
  }

  finish(well: boolean): void {
    if (this.flying === undefined) return;
    if (well) this.write();
    this.flying = undefined;
    this.carry(this.world.step({ kind: well ? "stored" : "failed" }));
    if (!well && this.flying === undefined) this.agree();
  }

  /** After a failure nothing but the disk counts. */
  agree(): void {
    const { server, disk, now, wall } = this.world;
    const known = server.rows(now, wall).map(({ ulid, duid, state }) => `${ulid} ${duid} ${state}`);
    const stored = [...disk.values()].map(({ ulid, duid, state }) => `${ulid} ${hex(duid)} ${state === "released" ? "ended" : state}`);
    assert.equal(known.sort(), stored.sort());
  }
}

test("what a client was told is stored, has its parameters, and is nobody else's, whatever fails and whenever it is killed", () => {
  let told = 0;
  for (let i = 0; i < RUNS; i++) {
    const run = new Run(seed + i);
    try {
      for (let n = 0; n < STEPS; n++) run.step();
    } catch (error) {
      throw new Error(`seed ${seed + i}: ${error instanceof Error ? error.stack : error}`);
    }
    told += run.told;
  }
  assert.ok(told > 20 * RUNS, `only ${told} leases were told of`);
});

test.run();
