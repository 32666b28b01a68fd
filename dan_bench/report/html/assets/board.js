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
  const words = new Map(tables.flatMap((table) => [...table.tBodies[1].rows])
    .map((row) => [row, wordsOf(row.cells[0].textContent)]));

  // On a telephone each row is a card, whose numbers need their names
  for (const table of [...tables, ...document.querySelectorAll("table.lead")]) {
    const names = [...table.tHead.rows[0].cells].map((th) => th.textContent);
    for (const body of table.tBodies) {
      for (const row of body.rows) {
        [...row.cells].forEach((cell, i) => { cell.dataset.label = names[i]; });
      }
    }
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
    keep({ [table.caption.id]: direction === "none" ? "" : `${column} ${direction}` });
  }

  // On a telephone eight cards are shown at first
  for (const table of tables) {
    if (table.tBodies[1].rows.length <= 8) continue;
    const rest = document.createElement("button");
    Object.assign(rest, { type: "button", className: "rest", textContent: "Show all of these methods" });
    table.classList.add("short");
    table.after(rest);
    rest.addEventListener("click", () => { table.classList.remove("short"); rest.remove(); });
  }

  const next = { none: "descending", descending: "ascending", ascending: "none" };
  for (const table of tables) {
    table.tHead.addEventListener("click", (event) => {
      const th = event.target.closest("button")?.closest("th");
      if (th) sort(table, th.cellIndex, next[th.getAttribute("aria-sort")]);
    });
  }

  const fields = [...form.elements].filter((field) => field.name);
  for (const field of fields) { // as the address says; else as a browser that goes back has kept them
    const given = state.getAll(field.name);
    if (field.type !== "checkbox") field.value = given[0] ?? field.value;
    else if (given.length) field.checked = given[0].split(" ").includes(field.value) !== field.defaultChecked;
  }

  function filter() {
    const of = (name) => fields.filter((field) => field.name === name);
    const [[name], [kind], [section]] = ["method", "kind", "data"].map(of);
    const verdicts = of("verdict").filter((box) => box.checked).map((box) => box.value);
    let [shown, all] = [0, 0];
    for (const table of tables) {
      for (const box of of("columns")) table.classList.toggle(`hide-${box.value}`, !box.checked);
      table.classList.toggle("brief", !of("all")[0].checked);
      let here = 0;
      for (const row of table.tBodies[1].rows) {
        row.hidden = !(fits(name.value, words.get(row))
          && (!kind.value || row.dataset.kind === kind.value)
          && (!section.value || table.dataset.section === section.value)
          && verdicts.every((k) => row.dataset[`v${k}`] === "yes"));
        here += !row.hidden;
      }
      table.parentElement.hidden = !here && table.tBodies[1].rows.length > 0;
      shown += here;
      all += table.tBodies[1].rows.length;
    }
    told.textContent = `${shown} of ${all} methods.`;
    const changed = (box) => box.checked !== box.defaultChecked;
    const boxes = ["verdict", "columns", "all"].map((of_) => [of_, of(of_).filter(changed).map((box) => box.value).join(" ")]);
    keep({ method: name.value, kind: kind.value, data: section.value, ...Object.fromEntries(boxes) });
  }

  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  filter();
  for (const table of tables) {
    const [column, direction] = (state.get(table.caption.id) ?? "").split(" ");
    if (direction in next && table.tHead.rows[0].cells[column]) sort(table, Number(column), direction);
  }
})();
