// The runs' tables: packed in the page, unpacked when the first is opened. A link to a run opens it.
(() => {
  let tables;

  for (const details of document.querySelectorAll("details.run")) {
    details.addEventListener("toggle", async () => {
      tables ??= unpack("packed").then(JSON.parse);
      details.insertAdjacentHTML("beforeend", (await tables)[details.id]);
    }, { once: true });
  }

  function unfold() {
    const target = document.getElementById(location.hash.slice(1));
    if (target instanceof HTMLDetailsElement) {
      target.open = true;
      target.querySelector("summary").focus();
    }
  }
  addEventListener("hashchange", unfold);
  unfold();
})();
