/** What flows through the box at this moment, and how its paths fared lately, as JSON. */
import { z } from "zod";

const count = z.int().nonnegative();
const rate = z.number().nonnegative();
const flow = {
  contexts: count.meta({ description: "Contexts that are established." }),
  sent: rate.meta({ description: "Octets a second of hosts' packets, towards the peer." }),
  received: rate.meta({ description: "Octets a second, from the peer." }),
};

/** In place of a peer box in the row that sums up the others. */
export const OTHER_BOXES = "others";

export const linkFlow = z
  .object({
    provider: z.string().nullable().meta({ description: "That of the current local locator." }),
    peerBox: z
      .string()
      .nullable()
      .meta({ description: `null = peers that name no box; "${OTHER_BOXES}" = all that have no row.` }),
    peerUlid: z.string().nullable().meta({ description: "One of its hosts." }),
    ...flow,
  })
  .meta({ id: "LinkFlow", description: "What goes between one provider and one peer box." });

export const hostFlow = z.object({ ulid: z.string(), ...flow }).meta({ id: "HostFlow", description: "What goes from and to one host." });

export const flowsRow = z
  .object({
    spanMs: z
      .number()
      .nonnegative()
      .nullable()
      .meta({ description: "The time that rates are of; null = nobody has asked before, they are 0." }),
    links: z.array(linkFlow),
    boxes: count.meta({ description: "Peer boxes that there are contexts with." }),
    hosts: z.array(hostFlow).meta({ description: "Those with most traffic." }),
    otherHosts: z.object({ hosts: count, ...flow }).meta({ description: "All others together." }),
  })
  .meta({ id: "Flows", description: "What flows at this moment." });

export const pathHistory = z
  .object({
    path: z.string().meta({ description: "The id of the path in /paths." }),
    peerBox: z.string(),
    localProvider: z.string().nullable(),
    peerLocator: z.string(),
    states: z.string().meta({
      description:
        "One letter a sample, the oldest first: a = alive, b = alive and too bad to be used while another one is better, l = lost, u = unknown, - = no such path.",
    }),
    rttMs: z.array(z.number().nonnegative().nullable()),
    loss: z.array(z.number().min(0).max(1).nullable()).meta({ description: "Shares of questions without an answer." }),
  })
  .meta({ id: "PathHistory", description: "How one path fared." });

export const historyRow = z
  .object({
    stepMs: z.number().positive().meta({ description: "From sample to sample." }),
    latest: count.meta({ description: "Number of the last sample, counted from 1; 0 = there is none yet." }),
    from: count.meta({ description: "Number of the first sample of each row." }),
    paths: z.array(pathHistory),
  })
  .meta({ id: "History", description: "How the paths fared lately: those with most contexts, for as long as is kept." });

export type LinkFlow = z.infer<typeof linkFlow>;
export type HostFlow = z.infer<typeof hostFlow>;
export type FlowsRow = z.infer<typeof flowsRow>;
export type PathHistory = z.infer<typeof pathHistory>;
export type HistoryRow = z.infer<typeof historyRow>;
