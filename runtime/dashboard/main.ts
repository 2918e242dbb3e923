/** What the browser starts with. */
import { h, render } from "preact";
import { App } from "./app.ts";
import { Client } from "./client.ts";
import { startTheme } from "./header.ts";
import { Store } from "./store.ts";

startTheme();
const store = new Store(new Client());
render(h(App, { store }), document.body);
store.start();
