// What was filtered, sorted and turned to, kept in the address: a reload and a link show the same.
const state = new URLSearchParams(location.search);

function keep(values) {
  for (const [name, value] of Object.entries(values)) {
    if (value) state.set(name, value);
    else state.delete(name);
  }
  const query = String(state);
  try {
    history.replaceState(null, "", `${location.pathname}${query && "?"}${query}${location.hash}`);
  } catch { /* a page within another has no address of its own */ }
}

// The words of a text; a setting is found by its name, by its value, and by both
function wordsOf(text) {
  return new Set(text.toLowerCase().split(/[\s·:]+/).flatMap((word) => [word, ...word.split("=")]));
}

// Whether all words asked for are there; one that ends in * may go on
function fits(asked, words) {
  return asked.toLowerCase().split(/\s+/).filter(Boolean).every((word) => (word.endsWith("*")
    ? [...words].some((one) => one.startsWith(word.slice(0, -1)))
    : words.has(word)));
}
