// The tables: sorted by a click on a heading, filtered by the form above them.
(async () => {
  document.documentElement.classList.add("js");
  const tables = [...document.querySelectorAll("table.board")];
  const form = document.querySelector(".filters");
  const told = document.getElementById("told");
  const rows = further ? await further : {};
  for (const table of tables) {
    let [markup, ...pieces] = rows[table.caption.id] ?? [""]; // its commonest pieces are single signs
    for (let i = 0; i < pieces.length; i += 2) markup = markup.replaceAll(pieces[i], () => pieces[i + 1]);
    table.tBodies[1].insertAdjacentHTML("beforeend", markup);
    [...table.tBodies[1].rows].forEach((row, i) => { row.dataset.place = i; });
  }

  // What a cell is sorted by: its number, or its text; what is missing goes last, whichever way
  function worth(row, column) {
    const cell = row.cells[column];
    if (!("s" in cell.dataset)) return cell.textContent.toLowerCase();
    return cell.dataset.s === "" ? null : Number(cell.dataset.s);
  }

  function compare(a, b) {
    if (typeof a === "string") return a.localeCompare(b, "en", { numeric: true });
    return a - b;
  }

  function sort(table, column, direction) {
    const body = table.tBodies[1];
    const rows = [...body.rows].sort((a, b) => a.dataset.place - b.dataset.place);
    if (direction !== "none") {
      const sign = direction === "ascending" ? 1 : -1;
      rows.sort((a, b) => {
        const [x, y] = [worth(a, column), worth(b, column)];
        if (x === null || y === null) return (x === null) - (y === null);
        return sign * compare(x, y);
      });
    }
    body.append(...rows);
    const headings = [...table.tHead.rows[0].cells];
    headings.forEach((th, i) => th.setAttribute("aria-sort", i === column ? direction : "none"));
    const name = headings[column].textContent;
    told.textContent = direction === "none" ? "In the order of the report." : `Sorted by ${name}, ${direction}.`;
  }

  const next = { none: "descending", descending: "ascending", ascending: "none" };
  for (const table of tables) {
    table.tHead.addEventListener("click", (event) => {
      const th = event.target.closest("button")?.closest("th");
      if (th) sort(table, th.cellIndex, next[th.getAttribute("aria-sort")]);
    });
  }

  function filter() {
    const words = form.querySelector("#by-name").value.toLowerCase().split(/\s+/).filter(Boolean);
    const kind = form.querySelector("#by-kind").value;
    const section = form.querySelector("#by-section").value;
    const verdicts = [...form.querySelectorAll("[name=verdict]:checked")].map((box) => box.value);
    let [shown, all] = [0, 0];
    for (const table of tables) {
      for (const box of form.querySelectorAll("[name=columns]")) {
        table.classList.toggle(`hide-${box.value}`, !box.checked);
      }
      let here = 0;
      for (const row of table.tBodies[1].rows) {
        const name = row.cells[0].textContent.toLowerCase();
        const fits = words.every((word) => name.includes(word))
          && (!kind || row.dataset.kind === kind)
          && verdicts.every((k) => row.dataset[`v${k}`] === "yes");
        row.hidden = !fits;
        here += fits;
      }
      const other = section && table.dataset.section !== section;
      table.parentElement.hidden = other;
      shown += other ? 0 : here;
      all += table.tBodies[1].rows.length;
    }
    told.textContent = `${shown} of ${all} methods.`;
  }

  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  filter(); // a browser that goes back keeps what was typed
})();
