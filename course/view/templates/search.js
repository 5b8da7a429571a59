
// ---- search: turns without a hit are hidden, hits are marked and can be stepped through
const most = 2000;
const letters = { amp: "&", lt: "<", gt: ">", "#39": "'", "#34": '"' };
let wanted = "", hits = [], at = -1;

// The text of a closed turn, without making its elements: in our own HTML, < and > occur in tags only.
// The beginning of a folded text (.head) is left out, here and in `found`: it repeats, and is hidden when open.
function said(html) {
  return html.replace(/<span class="head">[^<]*<\/span>|<[^>]*>/g, "").replace(/&(amp|lt|gt|#39|#34);/g, (_, name) => letters[name]);
}

function found(turn) {
  const closed = kept(turn), nodes = [];
  if (closed && turn.text !== undefined) return count(turn.text);
  const walk = document.createTreeWalker(turn, NodeFilter.SHOW_TEXT);
  let whole = "";
  while (walk.nextNode()) {
    const node = walk.currentNode;
    if (node.parentNode.className === "head") continue;
    nodes.push([whole.length, node]);
    whole += node.parentNode === closed ? said(node.data) : node.data;
  }
  const lower = whole.toLowerCase();
  if (closed) turn.text = lower;
  return closed || lower.length !== whole.length ? count(lower) : ranges(lower, nodes);
}

function count(lower) {  // in a closed turn, or with a letter whose lower case is longer: counted, not marked
  return Array(lower.split(wanted).length - 1).fill(null);
}

function ranges(lower, nodes) {
  const result = [];
  let k = 0;
  const place = (offset) => {
    while (k + 1 < nodes.length && nodes[k + 1][0] <= offset) k++;
    return [nodes[k][1], offset - nodes[k][0]];
  };
  for (let i = lower.indexOf(wanted); i >= 0; i = lower.indexOf(wanted, i + wanted.length)) {
    const range = document.createRange();
    range.setStart(...place(i));
    range.setEnd(...place(i + wanted.length - 1));
    range.setEnd(range.endContainer, range.endOffset + 1);
    result.push(range);
  }
  return result;
}

function mark() {
  if (!globalThis.CSS?.highlights) return;
  const ours = hits.map((hit) => hit.range).filter(Boolean);
  CSS.highlights.set("hit", new Highlight(...ours.slice(0, most)));
}

function search() {
  wanted = $("find").value.toLowerCase();
  let shown = 0;
  hits = []; at = -1;
  for (const turn of turns) {
    const ours = wanted ? found(turn) : [];
    const link = document.querySelector(`nav a[href="#${turn.id}"]`);
    turn.hidden = Boolean(wanted) && !ours.length;
    link.classList.toggle("without", turn.hidden);
    shown += !turn.hidden;
    for (const range of ours) hits.push({ range, turn });
  }
  mark();
  globalThis.CSS?.highlights?.delete("here");
  const one = hits.length === 1 ? "hit" : "hits";
  $("hits").textContent = wanted ? `${hits.length} ${one} in ${shown} of ${turns.length} turns` : "";
  $("before").disabled = $("next").disabled = !hits.length;
}

// An opened turn has elements, so its hits can be marked.
whenMade = (turn) => {
  const first = hits.findIndex((hit) => hit.turn === turn);
  if (first < 0) return;
  found(turn).forEach((range, n) => { if (hits[first + n]?.turn === turn) hits[first + n].range = range; });
  mark();
};

function step(by) {
  if (!hits.length) return;
  at = (at + by + hits.length) % hits.length;
  const hit = hits[at];
  make(hit.turn);
  const { range, turn } = hit;
  reveal(range ? range.startContainer.parentElement : turn.querySelector(".fold > *"));
  if (range && globalThis.CSS?.highlights) CSS.highlights.set("here", new Highlight(range));
  (range ? range.startContainer.parentElement : turn).scrollIntoView({ block: "nearest" });
  if (range) scrollBy(0, range.getBoundingClientRect().top - innerHeight / 2);  // its element may be many screens high
  $("hits").textContent = `hit ${at + 1} of ${hits.length}, in ${turn.dataset.label}`;
}

let waiting = 0;
const now = () => { clearTimeout(waiting); waiting = 0; search(); };
$("find").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(now, 120); });
$("find").addEventListener("keydown", (e) => {
  if (e.key === "Escape") { $("find").value = ""; now(); }
  if (e.key !== "Enter") return;
  e.preventDefault();
  if (waiting) now();
  step(e.shiftKey ? -1 : 1);
});
$("next").onclick = () => step(1);
$("before").onclick = () => step(-1);
document.querySelector("form.tools").addEventListener("submit", (e) => e.preventDefault());
document.querySelector("form.tools").hidden = false;
