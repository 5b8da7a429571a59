// The instructor's page: follows the board's state and shows it. Every text from outside is set as text, never as HTML.
"use strict";

const one = id => document.getElementById(id);
const say = (element, text) => { if (element.textContent !== text) element.textContent = text; };

/** An element with a class and children, which may be texts. */
function made(tag, name, ...children) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.append(...children);
  return element;
}

/** Replace the children of `element` only if they would look different, so that focus and selection stay. */
function fill(element, ...children) {
  const fresh = made(element.localName, "", ...children);
  if (element.innerHTML !== fresh.innerHTML) element.replaceChildren(...fresh.childNodes);
}

function ago(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h ago` : `${Math.floor(minutes / 1440)} days ago`;
}

const count = (number, one, more) => `${number} ${number === 1 ? one : more}`;
const needs = learner => Boolean(learner.stuck || learner.quiet);

function why(learner, now) {
  if (learner.stuck) return `stuck at ${learner.stuck.exercise}? ${count(learner.stuck.attempts, "try", "tries")}`;
  return learner.quiet ? `quiet since ${ago(now - learner.seen).replace(" ago", "")}` : "";
}

const orders = {
  name: () => 0,  // as they come
  look: (a, b) => Boolean(b.stuck) - Boolean(a.stuck) || b.quiet - a.quiet,
  seen: (a, b) => b.seen - a.seen,
};

/** Who needs a look, with a link to their row. */
function lookAt(state) {
  const found = state.learners.filter(needs).sort(orders.look).map(learner => {
    const link = made("a", "", learner.name);
    link.href = `#learner-${learner.id}`;
    return made("li", "", link, `: ${why(learner, state.now)}`);
  });
  fill(one("look"), ...found);
  one("look-none").hidden = found.length > 0;
}

function lessonCell(lesson, done) {
  const cell = made("td", "");
  if (!done) return cell;
  const [solved, tried] = done;
  const all = Math.max(lesson.exercises, tried);
  if (solved >= all) cell.className = "all";
  cell.append(`${solved}/${all}`, made("span", "unseen", " solved"));
  if (tried > solved) cell.append(made("small", "", `${tried - solved} tried`));
  return cell;
}

function remove(learner) {
  const button = made("button", "", "Remove");
  button.setAttribute("aria-label", `Remove ${learner.name}`);
  button.dataset.learner = learner.id;
  button.dataset.name = learner.name;
  return button;
}

/** The cells of a learner's row. */
function cells(learner, state) {
  const name = made("th", "", learner.name);
  name.scope = "row";
  if (needs(learner)) name.append(made("span", "state", why(learner, state.now)));
  const errors = learner.errors.map(([lesson, error, times]) =>
    made("span", "", `${error}${times > 1 ? ` × ${times}` : ""} in ${lesson}`));
  return [
    name,
    made("td", "", learner.lesson ?? "joined"),
    made("td", "seen", ago(state.now - learner.seen)),
    ...state.lessons.map(lesson => lessonCell(lesson, learner.done[lesson.number])),
    made("td", "errors", ...errors),
    made("td", "", remove(learner)),
  ];
}

function head(state) {
  const names = ["Learner", "Now in", "Last seen"].map(text => made("th", "", text));
  const lessons = state.lessons.map(lesson => {
    const short = made("abbr", "", lesson.number);
    short.title = lesson.title;
    return made("th", "", short);
  });
  const all = [...names, ...lessons, made("th", "", "Errors met"), made("th", "", made("span", "unseen", "Remove"))];
  all.forEach(cell => { cell.scope = "col"; });
  fill(one("head"), ...all);
}

/** One row for each learner, in the chosen order. Rows and cells that stay the same are left alone. */
function table(state) {
  head(state);
  const rows = one("rows");
  const chosen = [...state.learners].sort(orders[one("sort").value]);
  const known = new Set(chosen.map(learner => `learner-${learner.id}`));
  [...rows.children].filter(row => !known.has(row.id)).forEach(row => row.remove());
  chosen.forEach((learner, at) => {
    const id = `learner-${learner.id}`;
    const row = one(id) ?? made("tr", "");
    row.id = id;
    const fresh = cells(learner, state);
    if (row.children.length !== fresh.length) row.replaceChildren(...fresh);
    else fresh.forEach((cell, n) => { if (!row.children[n].isEqualNode(cell)) row.children[n].replaceWith(cell); });
    const held = rows.contains(document.activeElement) && row.parentNode;  // a moved row would lose the focus
    if (rows.children[at] !== row && !held) rows.insertBefore(row, rows.children[at] ?? null);
  });
  one("learners-none").hidden = chosen.length > 0;
  one("learners").hidden = chosen.length === 0;
}

function tapes(state) {
  const found = state.tapes.map(tape => {
    const link = made("a", "", `${tape.name}, ${new Date(tape.time * 1000).toLocaleTimeString()}`);
    link.href = `tapes/${tape.id}`;
    link.target = "_blank";
    link.rel = "noopener";
    return made("li", "", link, ` (${Math.ceil(tape.size / 1024)} kB)`);
  });
  fill(one("tapes"), ...found);
  one("tapes-none").hidden = found.length > 0;
}

let latest = null;

function show(state) {
  latest = state;
  const waiting = state.learners.filter(needs).length;
  say(one("count"), `${count(state.learners.length, "learner", "learners")}, ${waiting} to look at`);
  lookAt(state);
  table(state);
  tapes(state);
}

function follow() {
  const source = new EventSource("stream");
  source.onmessage = event => {
    one("lost").hidden = true;
    show(JSON.parse(event.data));
  };
  source.onerror = () => {
    one("lost").hidden = false;
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, 3000);  // refused: it does not try again by itself
  };
}

async function removed(event) {
  const button = event.target.closest("button[data-learner]");
  if (!button || !confirm(`Remove ${button.dataset.name}, with everything that the board has of them?`)) return;
  button.disabled = true;
  const response = await fetch(`learners/${button.dataset.learner}/remove`, { method: "POST" }).catch(() => null);
  if (!response?.ok) button.disabled = false;
}

if (one("rows")) {
  const { room, address } = document.body.dataset;
  say(one("join"), `course board join ${new URL(`room/${room}`, address || location)} --name NAME`);
  one("sort").addEventListener("change", () => latest && table(latest));
  one("rows").addEventListener("click", removed);
  follow();
} else {
  say(one("join"), `course board join ${location.href} --name NAME`);
}
