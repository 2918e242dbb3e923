/** The lab's own controls, where the box is one of a lab's: break a provider, mend it, watch the stream. */
import { h, type JSX } from "preact";
import type { LabProvider, LabRow } from "../lab/page-row.ts";
import { showMillis, showRate } from "./format.ts";
import type { Store } from "./store.ts";

/** Milliseconds without data that are no news. */
const STANDING = 50;

/** The bar of a lab. */
export function Lab({ store, lab }: { readonly store: Store; readonly lab: LabRow }): JSX.Element {
  const say = (path: string, done: string): void => {
    if (!store.wants("To act, the lab wants its token: it stands in the address that the lab printed.")) return;
    void store.act(async () => {
      await store.client.post(`${store.client.lab}/${path}`);
      return done;
    });
  };
  const stands = lab.stillMs > STANDING;
  return h(
    "section",
    { class: "panel lab", "aria-labelledby": "lab-title" },
    h("h2", { id: "lab-title" }, "Lab"),
    h(
      "nav",
      { "aria-label": "Boxes of the lab" },
      lab.boxes.map(({ name, href }) =>
        h("a", { key: name, href, "aria-current": location.pathname === href ? "page" : undefined }, `box of ${name}`),
      ),
    ),
    h(
      "p",
      { class: "stream", "data-stands": stands ? "yes" : "no" },
      h("strong", null, "stream h1 → h2 "),
      stands ? `stands still for ${showMillis(lab.stillMs)}` : showRate(lab.rate),
      `; ${(lab.octets / 1e6).toFixed(0)} MB checked`,
    ),
    h(
      "ul",
      { class: "breakers" },
      lab.providers.map((provider) => h(Breaker, { key: provider.name, provider, say })),
    ),
    h(
      "p",
      { class: "note" },
      lab.isByHand ? "By hand: the lab's own round rests. " : `${lab.phase}. `,
      lab.isByHand ? h("button", { type: "button", onClick: () => say("round", "The round goes on") }, "Go on by itself") : null,
    ),
  );
}

function Breaker({ provider, say }: { readonly provider: LabProvider; readonly say: (path: string, done: string) => void }): JSX.Element {
  const { name, state } = provider;
  const button = (verb: string, words: string): JSX.Element =>
    h("button", { type: "button", onClick: () => say(`providers/${name}/${verb}`, `${name}: ${words}`) }, `${words} ${name}`);
  return h(
    "li",
    { "data-lab-provider": name, "data-state": state },
    state === "up" ? [button("break", "Break"), button("unplug", "Unplug")] : button("mend", "Mend"),
  );
}
