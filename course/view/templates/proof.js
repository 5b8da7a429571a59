
// ---- a link to the proof of a finding opens where it is, and marks it
function within(root, texts) {
  const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT), nodes = [];
  let whole = "";
  while (walk.nextNode()) {
    if (walk.currentNode.parentNode.className === "head") continue;
    nodes.push([whole.length, walk.currentNode]);
    whole += walk.currentNode.data;
  }
  for (const text of texts) {
    const start = text ? whole.indexOf(text) : -1;
    if (start < 0) continue;
    const place = (offset) => {
      const [at, node] = nodes.findLast(([at]) => at <= offset);
      return [node, offset - at];
    };
    const range = document.createRange();
    range.setStart(...place(start));
    range.setEnd(...place(start + text.length - 1));
    range.setEnd(range.endContainer, range.endOffset + 1);
    return range;
  }
}

function prove({ in: part, key, quote }, turn) {
  const escaped = JSON.stringify(quote).slice(1, -1), named = `"${key}": `;
  const raw = () => {
    const details = turn.querySelector(`.raw > [data-what="${part}"]`);
    if (!details) return;
    details.open = true;
    unfold(details);
    return within(details.querySelector("pre"), [named + quote, `${named}"${escaped}`, escaped, quote]);
  };
  const shown = () => {
    const region = turn.querySelector(`[data-part="${part}"]`);
    return region && within(region, [quote]);
  };
  const range = quote.length < 12 && key ? raw() ?? shown() : shown() ?? raw();
  if (!range) return turn;
  reveal(range.startContainer.parentElement);
  if (globalThis.CSS?.highlights) CSS.highlights.set("here", new Highlight(range));
  return range.startContainer.parentElement;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a.proof");
  const turn = link && $(link.hash.slice(1));
  if (!turn || !link.dataset.in) return;
  event.preventDefault();
  history.pushState(null, "", link.hash);
  turn.hidden = false;
  make(turn);
  turn.querySelector("details.fold").open = true;
  prove(link.dataset, turn).scrollIntoView({ block: "center" });
});
