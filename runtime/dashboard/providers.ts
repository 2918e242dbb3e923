/** The providers, and what can be done with them. */
import { h, type JSX } from "preact";
import { useState } from "preact/hooks";
import type { ProviderRow, ReloadRow } from "../api/rows.ts";
import { Confirm } from "./dialogs.ts";
import { healthOf } from "./figure-model.ts";
import { showRate } from "./format.ts";
import type { State, Store } from "./store.ts";

/** What is about to be done, when it is agreed to. */
interface Plan {
  readonly verb: "drain" | "restore";
  readonly provider: ProviderRow;
}

/** The list of providers. */
export function Providers({ store, state }: { readonly store: Store; readonly state: State }): JSX.Element {
  const [plan, setPlan] = useState<Plan | undefined>();
  const [keep, setKeep] = useState(false);
  const ask = (next: Plan): void => {
    if (!store.wants("To act, the box wants its token.")) return;
    setKeep(false);
    setPlan(next);
  };
  const go = ({ verb, provider }: Plan): void => {
    setPlan(undefined);
    const query = verb === "drain" && keep ? "?keep=true" : "";
    void store.act(async () => {
      const { changed } = await store.client.post<ReloadRow>(`providers/${encodeURIComponent(provider.name)}/${verb}${query}`);
      return changed.length === 0 ? `${provider.name}: nothing to change` : changed.join(". ");
    });
  };
  return h(
    "section",
    { class: "panel providers", "aria-labelledby": "providers-title" },
    h("h2", { id: "providers-title" }, "Providers"),
    h(
      "ul",
      { class: "cards" },
      state.providers.map((row) => h(Card, { key: row.name, row, state, ask })),
    ),
    plan === undefined
      ? null
      : h(
          Confirm,
          {
            title: plan.verb === "drain" ? `Drain ${plan.provider.name}?` : `Use ${plan.provider.name} again?`,
            yes: plan.verb === "drain" ? "Drain" : "Use again",
            isGrave: plan.verb === "drain",
            close: (agreed: boolean) => (agreed ? go(plan) : setPlan(undefined)),
          },
          h("p", null, consequences(plan, state)),
          plan.verb === "drain"
            ? h(
                "label",
                { class: "check" },
                h("input", {
                  type: "checkbox",
                  checked: keep,
                  onChange: (event: Event) => setKeep(event.currentTarget instanceof HTMLInputElement && event.currentTarget.checked),
                }),
                "also after a restart of the box",
              )
            : null,
        ),
  );
}

function consequences({ verb, provider }: Plan, { providers, flows }: State): string {
  if (verb === "restore") return "New contexts use it; those that left it go back as failback in site.yaml says.";
  const contexts = (flows?.links ?? []).filter((link) => link.provider === provider.name).reduce((sum, link) => sum + link.contexts, 0);
  const others = providers.filter(({ name, state, drained, broken }) => name !== provider.name && state === "up" && !drained && !broken);
  const who = contexts === 1 ? "1 context leaves it" : `${contexts.toLocaleString("en")} contexts leave it`;
  const rest = others.length === 0 ? "No other provider is in use: they have nowhere to go." : "Connections go on.";
  return `${who}, new ones avoid it, and peers hear that they should, too. ${rest}`;
}

function Card({ row, state, ask }: { readonly row: ProviderRow; readonly state: State; readonly ask: (plan: Plan) => void }): JSX.Element {
  const [health, says] = healthOf(row, state.paths);
  const links = (state.flows?.links ?? []).filter(({ provider }) => provider === row.name);
  const sum = (of: "contexts" | "sent" | "received"): number => links.reduce((total, link) => total + link[of], 0);
  const facts = [
    ["prefix", row.prefix ?? "none"],
    ["line", `${row.interface}${row.gateway === null ? "" : ` via ${row.gateway}`}`],
    ["contexts", sum("contexts").toLocaleString("en")],
    ["out, in", `${showRate(sum("sent"))}, ${showRate(sum("received"))}`],
  ];
  return h(
    "li",
    { class: `card ${health}`, "data-provider": row.name, "data-health": health, "data-drained": row.drained ? "yes" : "no" },
    h(
      "div",
      { class: "card-head" },
      h("h3", null, row.name),
      h("span", { class: `chip ${health}` }, says ?? (health === "good" ? "in use" : health)),
      row.drained && health !== "drained" ? h("span", { class: "chip drained" }, "drained") : null,
      h(
        "button",
        {
          type: "button",
          "aria-label": `${row.drained ? "Use again" : "Drain"}: ${row.name}`,
          onClick: () => ask({ verb: row.drained ? "restore" : "drain", provider: row }),
        },
        row.drained ? "Use again…" : "Drain…",
      ),
    ),
    h(
      "dl",
      { class: "facts" },
      facts.map(([name, value]) => h("div", { key: name }, h("dt", null, name), h("dd", null, value))),
    ),
  );
}
