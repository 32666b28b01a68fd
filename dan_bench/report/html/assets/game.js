// Can you tell? The reader as a discriminator, with the accuracy that a discriminator deserves.
(() => {
  const game = document.getElementById("game");
  if (!game) return;
  const method = document.getElementById("game-method");
  const said = document.getElementById("game-said");
  const sides = ["left", "right"];
  let noisy = "left", right = 0, asked = 0;

  function draw(side, strip) {
    const canvas = document.getElementById(`game-${side}`);
    const tiles = Number(strip.dataset.tiles);
    const width = strip.naturalWidth / tiles;
    canvas.width = width;
    canvas.height = strip.naturalHeight;
    const from = Math.floor(Math.random() * tiles) * width;
    canvas.getContext("2d").drawImage(strip, from, 0, width, canvas.height, 0, 0, width, canvas.height);
  }

  async function deal() {
    const [gallery] = method.value.split("-");
    const names = [`noise-${gallery}`, `outputs-${method.value}`];
    const strips = names.map((name) => document.getElementById(name));
    await Promise.all(strips.map((strip) => strip.decode()));
    noisy = sides[Math.floor(Math.random() * 2)];
    for (const side of sides) draw(side, strips[side === noisy ? 0 : 1]);
  }

  // Wilson's interval (1927): has a closed form, and does not leave [0, 1]
  function interval(hits, n) {
    const z = 1.959964, p = hits / n;
    const middle = (p + z * z / (2 * n)) / (1 + z * z / n);
    const half = z / (1 + z * z / n) * Math.sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    return [middle - half, middle + half].map((x) => Math.abs(x).toFixed(2));
  }

  game.addEventListener("click", (event) => {
    const side = event.target.dataset.side;
    if (!side) return;
    asked += 1;
    right += side === noisy;
    const [low, high] = interval(right, asked);
    const verdict = low <= 0.5 && high >= 0.5
      ? "which is what a coin could do: the theory's end point is 0.50."
      : low > 0.5 ? "you can tell." : "you can tell, and say the opposite.";
    said.textContent = `${side === noisy ? "Right" : "Wrong"}: the ${noisy} one was Python's. Your accuracy is `
      + `${(right / asked).toFixed(2)} [${low}, ${high}] over ${asked}; ${verdict} The next two are up.`;
    deal();
  });
  method.addEventListener("change", () => {
    right = asked = 0;
    said.textContent = "Another method, another count. Which one is Python's noise?";
    deal();
  });
  game.hidden = false;
  deal();
})();
