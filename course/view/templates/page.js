"use strict";
// Raw bodies and closed turns on demand, links that open their turn, printing. search.js follows.
// The page is readable without these scripts.
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
  // a base is the number of another body, or a delta of its own
  for (; delta.base !== undefined; delta = delta.base.text === undefined ? block(delta.base)[what] : delta.base) chain.push(delta);
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
    const tok = pre.appendChild(document.createElement("b"));
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
  const note = what === "prompt" ? "" : " Formatted for reading; Copy gives the exact text.";
  const key = block(n).head.includes("$API_KEY") && what === "request" ? " The key is not on the tape: set API_KEY before you run the command." : "";
  bar.append(Object.assign(document.createElement("span"), { className: "none", textContent: note + key }));
}

// ---- a closed turn is text in a <noscript>: elements cost much more than bytes, so they are made when it opens
let whenMade = () => {};

function kept(turn) {
  return turn.querySelector(":scope > .fold > noscript");
}

function make(turn) {
  const text = kept(turn);
  if (!text) return;
  text.outerHTML = text.textContent;
  whenMade(turn);
}

document.addEventListener("toggle", ({ target }) => {
  if (target.open && target.matches(".fold")) make(target.parentElement);
  if (target.open && target.matches(".raw > details")) unfold(target);
}, true);

// ---- a link to a turn opens it
function reveal(node) {
  for (let d = node?.closest?.("details"); d; d = d.parentElement.closest("details")) d.open = true;
}
function follow() {
  const turn = /^#turn-\d+$/.test(location.hash) && $(location.hash.slice(1));
  if (!turn) return;
  turn.hidden = false;
  make(turn);
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
  turns.forEach(make);
  closed = [...document.querySelectorAll("details:not([open])")].filter((d) => !d.closest(".raw"));
  closed.forEach((d) => { d.open = true; });
});
addEventListener("afterprint", () => closed.forEach((d) => { d.open = false; }));
