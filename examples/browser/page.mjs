/** A capture chosen by the reader goes to the worker, and what comes back onto the page. Nothing leaves the browser. */
const form = document.querySelector("form");
const status = document.querySelector("#status");
const worker = new Worker(new URL("./worker.mjs", import.meta.url), { type: "module" });

worker.onerror = (event) => {
  status.textContent = `The worker failed: ${event.message}`;
};
worker.onmessage = ({ data: { result, failed } }) => {
  if (failed !== undefined) {
    status.textContent = failed;
    return;
  }
  const { packets, forwarded, contexts, counters, messages, nanoseconds } = result;
  const speed = nanoseconds === undefined ? "" : `, ${nanoseconds} ns a packet`;
  status.textContent = `${packets} packets, ${forwarded} forwarded, ${contexts} contexts${speed}`;
  document.querySelector("#counters tbody").replaceChildren(...Object.entries(counters).map(row));
  document.querySelector("#messages").textContent = messages.join("\n");
  document.body.dataset.result = JSON.stringify(result);
};

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const data = new FormData(form);
  status.textContent = "Running …";
  const file = await data.get("capture").arrayBuffer();
  const locators = data
    .get("locators")
    .split(/[\s,]+/)
    .filter(Boolean);
  worker.postMessage({ file, prefixes: { ulid: data.get("ulid").trim(), locators } }, [file]);
});

function row([name, count]) {
  const line = document.createElement("tr");
  for (const text of [name, count]) line.append(Object.assign(document.createElement("td"), { textContent: text }));
  return line;
}
