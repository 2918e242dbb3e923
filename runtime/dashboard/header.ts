/** The bar at the top: which box this is, how it is, light or dark. */
import { h, type JSX } from "preact";
import { useState } from "preact/hooks";
import { showMillis } from "./format.ts";
import type { State } from "./store.ts";

const THEMES = ["auto", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];
const KEPT_AS = "pshim6-theme";

/** The theme chosen before, put into effect. */
export function startTheme(): void {
  setTheme(chosenTheme());
}

function chosenTheme(): Theme {
  const kept = localStorage.getItem(KEPT_AS);
  return THEMES.find((theme) => theme === kept) ?? "auto";
}

function setTheme(theme: Theme): void {
  localStorage.setItem(KEPT_AS, theme);
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  // Charts are painted, not styled: they must hear of it.
  dispatchEvent(new Event("themechange"));
}

/** The bar. */
export function Header({ state }: { readonly state: State }): JSX.Element {
  const { status, trouble } = state;
  const [theme, choose] = useState(chosenTheme);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
  const turn = (): void => {
    setTheme(next);
    choose(next);
  };
  const facts =
    status === undefined
      ? []
      : [
          ["contexts", `${status.contexts.toLocaleString("en")} of ${status.contextLimit.toLocaleString("en")}`],
          ["up", showMillis(status.uptimeMs)],
          ["version", `${status.version} on ${status.runtime}`],
        ];
  return h(
    "header",
    { class: "bar" },
    h("h1", null, h("span", { class: "product" }, "pshim6"), " ", status?.site ?? ""),
    h(
      "span",
      { class: `chip ${trouble === undefined ? "good" : "dead"}`, "data-live": trouble === undefined ? "yes" : "no" },
      trouble === undefined ? "live" : "no answer",
    ),
    h(
      "dl",
      { class: "facts" },
      facts.map(([name, value]) => h("div", { key: name }, h("dt", null, name), h("dd", null, value))),
    ),
    h("a", { class: "quiet", href: "reference" }, "API"),
    h(
      "button",
      { type: "button", class: "quiet", onClick: turn, "aria-label": `Colours: ${theme}; switch to ${next}`, "data-theme-toggle": "" },
      theme === "auto" ? "◐ auto" : theme === "light" ? "○ light" : "● dark",
    ),
  );
}
