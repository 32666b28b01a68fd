// The runs' tables: packed in the page column by column, made when one is opened. A link to a run opens it.
(async () => {
  const section = document.getElementById("runs");
  let packed;

  // What a column says of a run: pairs of a name and a text; a column without a name holds lists of pairs
  function pairs(column, run) {
    if (typeof column[1] === "string") column[1] = column[1].split(";").map((text) => text.replace(/^[.]/, "0."));
    const [name, values, at] = column;
    const value = values[at ? at[run] : run];
    if (value === null || value === "") return [];
    return name === null ? value : [[name, value]];
  }

  // The rows of one part; a name in two columns has the text of both, one behind the other
  function* rows(columns, runs) {
    const said = runs.map((run) => {
      const texts = new Map();
      for (const [name, text] of columns.flatMap((column) => pairs(column, run))) {
        texts.set(name, (texts.get(name) ?? "") + text);
      }
      return texts;
    });
    for (const name of new Set(said.flatMap((texts) => [...texts.keys()]))) {
      yield [name, said.map((texts) => texts.get(name) ?? "–")];
    }
  }

  function add(row, kind, text, about = {}) {
    const cell = document.createElement(kind);
    cell.textContent = text;
    row.append(Object.assign(cell, about));
    return cell;
  }

  function tabulate({ keys, parts, methods }, id) {
    const [name, first, count] = methods[id];
    const runs = [...Array(count).keys()].map((i) => first + i);
    const holder = document.createElement("div");
    holder.className = "scroll";
    holder.tabIndex = 0;
    holder.setAttribute("role", "region");
    holder.setAttribute("aria-label", `runs of ${name}`);
    const table = document.createElement("table");
    table.className = "full";
    const head = table.createTHead().insertRow();
    add(head, "th", "run", { scope: "col" });
    for (const run of runs) add(add(head, "th", "", { scope: "col" }), "code", keys[run]);
    for (const [title, columns] of parts) {
      const body = table.createTBody();
      for (const [name, texts] of rows(columns, runs)) {
        const row = body.insertRow();
        add(row, "th", name, { scope: "row" });
        if (new Set(texts).size === 1) add(row, "td", texts[0], { colSpan: count });
        else for (const text of texts) add(row, "td", text);
      }
      if (!body.rows.length) body.remove();
      else add(body.insertRow(0), "th", title, { scope: "rowgroup", colSpan: count + 1 });
    }
    holder.append(table);
    return holder;
  }

  section.addEventListener("toggle", async ({ target }) => {
    if (!target.matches("details.run") || target.dataset.made) return;
    target.dataset.made = "yes";
    packed ??= unpack("packed").then(JSON.parse);
    target.append(tabulate(await packed, target.id));
  }, true);

  if (further) document.getElementById("packed").insertAdjacentHTML("beforebegin", (await further).runs);
  const form = document.getElementById("runs-form");
  const asked = form.querySelector("[type=search]");
  const [earlier, later] = form.querySelectorAll("button");
  const folds = [...section.querySelectorAll("details.run")]
    .map((fold) => ({ fold, words: wordsOf(fold.querySelector("summary").textContent) }));
  const page = 25;
  let from = 0, found = folds;

  function show(first) {
    from = Math.max(0, Math.min(first, found.length - 1));
    from -= from % page;
    const shown = new Set(found.slice(from, from + page));
    for (const one of folds) one.fold.hidden = !shown.has(one);
    earlier.disabled = from === 0;
    later.disabled = from + page >= found.length;
    form.querySelector("[role=status]").textContent = found.length
      ? `${from + 1} to ${from + shown.size} of ${found.length} methods.` : "No such method or run.";
    keep({ runs: asked.value, from: from && String(from) });
  }

  // A run's key, or its beginning, finds the method that it is of
  async function filter(first = 0) {
    const text = asked.value.trim();
    found = folds.filter(({ words }) => fits(text, words));
    if (!found.length && /^[0-9a-f]{4,16}$/i.test(text)) {
      packed ??= unpack("packed").then(JSON.parse);
      const { keys, methods } = await packed;
      found = folds.filter(({ fold }) => {
        const [, begin, count] = methods[fold.id];
        return keys.slice(begin, begin + count).some((key) => key.startsWith(text.toLowerCase()));
      });
    }
    show(first);
  }

  function unfold() {
    const target = document.getElementById(location.hash.slice(1));
    if (target instanceof HTMLDetailsElement) {
      if (!found.some(({ fold }) => fold === target)) [asked.value, found] = ["", folds];
      show(found.findIndex(({ fold }) => fold === target));
      target.open = true;
      target.querySelector("summary").focus();
    }
  }
  asked.value = state.get("runs") ?? asked.value;
  form.addEventListener("input", () => filter());
  form.addEventListener("submit", (event) => event.preventDefault());
  earlier.addEventListener("click", () => show(from - page));
  later.addEventListener("click", () => show(from + page));
  await filter(Number(state.get("from")) || 0);
  addEventListener("hashchange", unfold);
  unfold();
})();
