"use strict";
// Raw bodies on demand, search, links that open their turn, printing. Without this script the page stays readable.
const $ = (id) => document.getElementById(id);
const turns = [...document.querySelectorAll("section.turn")];
const packed = [];

// ---- raw bodies: each is packed as what it adds to an earlier one
function block(n) {
  return (packed[n] ??= JSON.parse($("raw-" + n).textContent));
}

function unpack(n, what) {
  const chain = [];
  let delta = block(n)[what];
  for (; delta.base !== undefined; delta = block(delta.base)[what]) chain.push(delta);
  let text = delta.text;
  for (const d of chain.reverse()) text = text.slice(0, d.start) + d.text + text.slice(text.length - d.end);
  return text;
}

function body(n, what) {
  const of = block(n)[what];
  return of.before === undefined ? unpack(n, what) : of.before + JSON.stringify(unpack(n, "prompt")) + of.after;
}

function curl(n) {
  const { head, mark } = block(n);
  return mark ? `${head} --data-binary @- <<'${mark}'\n${body(n, "request")}\n${mark}` : head;
}

function pretty(text) {
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

const special = /[<\[](?:\|[^|<>]{1,40}\|>|｜[^｜<>]{1,40}｜>|\/?(?:think|code|tool_call|tool_response|tools|s|bos|eos|start_of_turn|end_of_turn)>|\/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\])/g;
function marked(pre, text) {
  let at = 0;
  for (const found of text.matchAll(special)) {
    pre.append(text.slice(at, found.index));
    const tok = pre.appendChild(document.createElement("span"));
    tok.className = "tok";
    tok.textContent = found[0];
    at = found.index + found[0].length;
  }
  pre.append(text.slice(at));
}

function button(words, text, pre) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = words;
  made.onclick = async () => {
    try { await navigator.clipboard.writeText(text()); made.textContent = "Copied"; }
    catch {
      pre.textContent = text();
      getSelection().selectAllChildren(pre);
      made.textContent = "Selected: press Ctrl-C";
    }
    setTimeout(() => { made.textContent = words; }, 1500);
  };
  return made;
}

function unfold(details) {
  if (details.querySelector("pre")) return;
  const n = Number(details.parentElement.dataset.turn), what = details.dataset.what;
  const bar = details.appendChild(document.createElement("p"));
  const pre = details.appendChild(document.createElement("pre"));
  bar.className = "buttons";
  const text = body(n, what);
  bar.append(button("Copy", () => text, pre));
  if (what === "request") {
    const shown = button("Copy as curl", () => curl(n), pre);
    bar.append(" ", shown);
  }
  if (what === "prompt") marked(pre, text);
  else pre.textContent = pretty(text);
  const note = what === "prompt" ? "" : " Laid out for reading; Copy gives the text as it went.";
  const key = block(n).head.includes("$API_KEY") && what === "request" ? " The key is not on the tape: set API_KEY." : "";
  bar.append(Object.assign(document.createElement("span"), { className: "none", textContent: note + key }));
}

for (const details of document.querySelectorAll(".raw details"))
  details.addEventListener("toggle", () => { if (details.open) unfold(details); });

// ---- a link to a turn opens it
function reveal(node) {
  for (let d = node?.closest?.("details"); d; d = d.parentElement.closest("details")) d.open = true;
}
function follow() {
  const turn = /^#turn-\d+$/.test(location.hash) && $(location.hash.slice(1));
  if (!turn) return;
  turn.hidden = false;
  turn.querySelector("details.fold").open = true;
  turn.scrollIntoView();
}
addEventListener("hashchange", follow);
follow();

const folds = [...document.querySelectorAll("details.fold")];
$("open").onclick = () => folds.forEach((d) => { d.open = true; });
$("close").onclick = () => folds.forEach((d) => { d.open = false; });
let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("main details:not([open])")].filter((d) => !d.closest(".raw"));
  closed.forEach((d) => { d.open = true; });
});
addEventListener("afterprint", () => closed.forEach((d) => { d.open = false; }));

// ---- search: turns without a hit go, hits are marked and can be stepped through
const most = 2000;
let hits = [], at = -1;

function ranges(turn, wanted) {
  const found = [];
  const walk = document.createTreeWalker(turn, NodeFilter.SHOW_TEXT);
  let whole = "", nodes = [];
  while (walk.nextNode()) { nodes.push([whole.length, walk.currentNode]); whole += walk.currentNode.data; }
  const lower = whole.toLowerCase();
  if (lower.length !== whole.length) return found.concat(count(lower, wanted));
  let k = 0;
  for (let i = lower.indexOf(wanted); i >= 0; i = lower.indexOf(wanted, i + wanted.length)) {
    const place = (offset) => {
      while (k + 1 < nodes.length && nodes[k + 1][0] <= offset) k++;
      return [nodes[k][1], offset - nodes[k][0]];
    };
    const range = document.createRange();
    range.setStart(...place(i));
    range.setEnd(...place(i + wanted.length - 1));
    range.setEnd(range.endContainer, range.endOffset + 1);
    found.push(range);
  }
  return found;
}

function count(lower, wanted) {  // a letter whose small form is longer: counted, not marked
  return Array(lower.split(wanted).length - 1).fill(null);
}

function search() {
  const wanted = $("find").value.toLowerCase();
  let shown = 0;
  hits = []; at = -1;
  for (const turn of turns) {
    const found = wanted ? ranges(turn, wanted) : [];
    const link = document.querySelector(`nav a[href="#${turn.id}"]`);
    turn.hidden = Boolean(wanted) && !found.length;
    link.classList.toggle("without", turn.hidden);
    shown += !turn.hidden;
    hits = hits.concat(found.map((range) => ({ range, turn })));
  }
  if (globalThis.CSS?.highlights) {
    CSS.highlights.set("hit", new Highlight(...hits.slice(0, most).map((h) => h.range).filter(Boolean)));
    CSS.highlights.delete("here");
  }
  const one = hits.length === 1 ? "hit" : "hits";
  $("hits").textContent = wanted ? `${hits.length} ${one} in ${shown} of ${turns.length} turns` : "";
  $("before").disabled = $("next").disabled = !hits.length;
}

function step(by) {
  if (!hits.length) return;
  at = (at + by + hits.length) % hits.length;
  const { range, turn } = hits[at];
  reveal(range ? range.startContainer.parentElement : turn.querySelector(".fold > *"));
  if (range && globalThis.CSS?.highlights) CSS.highlights.set("here", new Highlight(range));
  (range ? range.startContainer.parentElement : turn).scrollIntoView({ block: "center" });
  $("hits").textContent = `hit ${at + 1} of ${hits.length}, in turn ${turn.id.slice(5)}`;
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
