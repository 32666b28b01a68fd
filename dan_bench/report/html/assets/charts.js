// The figures: each drawn from the specification that stands in it, in the page's theme.
(async () => {
  const config = JSON.parse(document.getElementById("chart-config").textContent);

  // The numbers as a table, made when somebody asks for them
  function tabulate(holder, rows) {
    const names = Object.keys(rows[0] ?? {});
    const table = document.createElement("table");
    const head = table.createTHead().insertRow();
    for (const name of names) {
      const th = document.createElement("th");
      th.scope = "col";
      th.textContent = name;
      head.append(th);
    }
    const body = table.createTBody();
    for (const row of rows) {
      const tr = body.insertRow();
      for (const name of names) {
        const cell = document.createElement(name === names[0] ? "th" : "td");
        if (name === names[0]) cell.scope = "row";
        cell.textContent = row[name] ?? "–";
        tr.append(cell);
      }
    }
    holder.replaceChildren(table);
  }

  // Its top-level names are global, ours are not
  const bundle = document.createElement("script");
  bundle.textContent = await unpack("bundle");
  document.body.append(bundle);

  for (const figure of document.querySelectorAll("figure.chart")) {
    const spec = JSON.parse(figure.querySelector("script.spec").textContent);
    const drawn = figure.querySelector(".drawn");
    const options = {
      mode: "vega-lite", renderer: "svg", actions: false, config, tooltip: { disableDefaultStyle: true },
    };
    vegaEmbed(drawn, spec, options).then(({ view }) => {
      const numbers = figure.querySelector("details.numbers");
      numbers.addEventListener("toggle", () => {
        const holder = numbers.querySelector(".scroll");
        if (holder) tabulate(holder, view.data("numbers"));
      }, { once: true });
      figure.dataset.ready = "yes";
    }).catch((error) => {
      drawn.textContent = `This figure could not be drawn: ${error.message}`;
      console.error(error);
    });
  }
})();
