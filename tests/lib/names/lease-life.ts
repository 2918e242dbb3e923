/**
 * The life of leases as clients that others wrote live it: got, renewed, over a killed server, rebound, at another server,
 * released. Who said what is read from the wire; what a client holds is asked of its kernel.
 *
 * ```
 *  h1 … hn ── [ sw: bridge lan, tcpdump ] ── box, box2
 * ```
 */
import * as assert from "uvu/assert";
import { CLIENTS, type ClientName, type DhcpClient, dhcpClient } from "./dhcp-clients.ts";
import { type MessageName, type Seen, showSeen, type WireWatch, watchDhcp } from "./dhcp-wire.ts";
import { addNode, addSwitch, linkReady, type Node } from "./nodes.ts";

/** The world of one set of clients. */
export interface LeaseWorld {
  readonly switch: Node;
  readonly box: Node;
  readonly box2: Node;
  readonly wire: WireWatch;
  readonly capture: string;
  readonly clients: readonly DhcpClient[];
}

/** The server that the clients talk to. */
export interface LeaseServer {
  start(): Promise<void>;
  /** Ends it without a warning. */
  kill(): Promise<void>;
  /** After {@link kill}: another machine goes on with a copy of what it knew, ready to serve. */
  replace(): Promise<void>;
  /** For failures. */
  lastWords(): string;
}

/** What the clients are to be told. Lifetimes in seconds. */
export interface LeaseFacts {
  /** Text that every address begins with. */
  readonly prefix: string;
  readonly preferred: number;
  readonly valid: number;
  /** In what a client tells its script. */
  readonly told: readonly string[];
}

/** Raises the world `id`, which may stand beside others; each of `names` has a node of its own. */
export async function leaseWorld(id: string, names: readonly ClientName[], directory: string): Promise<LeaseWorld> {
  const [box, box2] = [addNode(`${id}box`, true), addNode(`${id}box2`, true)];
  const hosts = names.map((_, i) => addNode(`${id}h${i + 1}`));
  const sw = addNode(`${id}sw`);
  addSwitch(sw, "lan", [box, box2, ...hosts]);
  await each([box, box2, ...hosts], (node) => linkReady(node, "lan"));
  const capture = `${directory}/${id}lan.pcap`;
  const wire = await watchDhcp(sw, "lan", capture);
  return { switch: sw, box, box2, wire, capture, clients: names.map((name, i) => dhcpClient(name, hosts[i], directory)) };
}

/** A client in the middle of its lease's life. */
interface Tenant {
  readonly client: DhcpClient;
  readonly address: string;
}

/** Lives it all, step by step; the test of one set of clients. */
export async function liveLeases(world: LeaseWorld, server: LeaseServer, facts: LeaseFacts): Promise<void> {
  const { wire, clients } = world;
  await server.start();
  for (const client of clients) client.start();
  const tenants = await each(clients, (client) => moveIn(client, wire, facts));
  assert.is(new Set(tenants.map(({ address }) => address)).size, clients.length, "each client has an address of its own");

  await each(tenants, (tenant) => keeps(tenant, ["renew"], wire, facts, wire.seen.length));

  // Whose time came while nobody was there asks again, perhaps as a Rebind.
  await server.kill();
  const gone = wire.seen.length;
  await server.start();
  await each(tenants, (tenant) => keeps(tenant, ["renew", "rebind"], wire, facts, gone));

  // Nobody answers until every client gave up on its own server and asks any: then there is one again.
  await server.kill();
  const silent = wire.seen.length;
  const patience = 1000 * facts.valid;
  await each(tenants, ({ client }) => wire.until(`${client.name} rebinds`, from(client, "rebind"), silent, patience));
  await server.start();
  await each(tenants, (tenant) => keeps(tenant, ["rebind"], wire, facts, silent));

  await server.kill();
  const moved = wire.seen.length;
  await server.replace();
  await each(tenants, (tenant) => keeps(tenant, ["renew", "rebind"], wire, facts, moved));

  await each(tenants, ({ client, address }) => moveOut(client, address, wire));
}

async function each<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  return Promise.all(all.map(work));
}

function from(client: DhcpClient, type: MessageName): (message: Seen) => boolean {
  return (message) => message.type === type && message.mac === client.mac;
}

async function moveIn(client: DhcpClient, wire: WireWatch, facts: LeaseFacts): Promise<Tenant> {
  const [{ address }] = await client.until("has an address", (held) => held.length > 0);
  assert.ok(address.startsWith(facts.prefix), `${client.name} has ${address}`);
  const reply = await wire.until(
    `${client.name} is told ${address}`,
    (message) => message.type === "reply" && message.toMac === client.mac && message.addresses.some((one) => one.address === address),
  );
  const [{ preferred, valid }] = reply.addresses;
  assert.equal({ preferred, valid }, { preferred: facts.preferred, valid: facts.valid }, showSeen(reply));
  await client.told(facts.told);
  return { client, address };
}

/** The client asks by one of `types` after message `since`, is answered with its own address and holds it on. */
async function keeps(
  { client, address }: Tenant,
  types: readonly MessageName[],
  wire: WireWatch,
  facts: LeaseFacts,
  since: number,
): Promise<void> {
  const patience = 1000 * facts.valid;
  const answered = (reply: Seen) =>
    reply.type === "reply" &&
    reply.toMac === client.mac &&
    wire.seen.slice(since).some((ask) => ask.mac === client.mac && types.includes(ask.type) && ask.transaction === reply.transaction);
  const reply = await wire.until(`${client.name}: reply to its ${types.join(" or ")}`, answered, since, patience);
  const told = reply.addresses.map((one) => [one.address, one.preferred, one.valid]);
  assert.equal(told, [[address, facts.preferred, facts.valid]], `${client.name}: ${showSeen(reply)}`);
  const before = client.addresses();
  assert.equal(
    before.map((held) => held.address),
    [address],
    `${client.name} lost it\n${client.lastWords()}`,
  );
}

async function moveOut(client: DhcpClient, address: string, wire: WireWatch): Promise<void> {
  const since = wire.seen.length;
  await client.release();
  if (!client.releases) {
    await client.until("has no address any more", (held) => held.length === 0);
    return;
  }
  const release = await wire.until(`${client.name} releases`, from(client, "release"), since);
  assert.equal(
    release.addresses.map((one) => one.address),
    [address],
    showSeen(release),
  );
  const reply = await wire.until(
    `${client.name}: reply to its release`,
    (message) => message.type === "reply" && message.transaction === release.transaction && message.toMac === client.mac,
    since,
  );
  assert.ok(reply.statuses.length > 0 && reply.statuses.every((status) => status === 0), showSeen(reply));
  await client.until("has no address any more", (held) => held.length === 0);
}

/** Clients at leisure: WIDE's adjusts a T2 below 30 s upwards, networkd's timers may be 10 s late. */
export const SLOW: readonly ClientName[] = ["wide", "networkd"];
export const QUICK: readonly ClientName[] = CLIENTS.filter((name) => !SLOW.includes(name));
