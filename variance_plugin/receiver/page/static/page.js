// Which view is shown, and what comes in while it is.

import { ask, count, many } from "./dom.js";
import * as show from "./show.js";

const KEPT = 200; // lines of the stream; older ones are in the contacts' histories
const main = document.getElementById("main");
const words = document.getElementById("words");
const said = document.getElementById("said");

const state = { counts: {}, news: [], held: [], missed: 0, paused: false };
let shownFor = null; // the address whose view stands
let goOnTo = null; // what gets the focus once the view stands
let asked = 0; // a view that is overtaken by a later one is not shown

// --- views ---

const VIEWS = {
  "": () => show.live({ ...state, onpause: pause }),
  contacts: async (id) => {
    if (id == null) return show.contacts(await ask("/api/contacts"));
    const one = await ask("/api/contact", { id });
    return one ? show.contact(one) : show.missing("contact");
  },
  visitors: async (id) => {
    const one = await ask("/api/visitor", { id: id ?? "" });
    return one ? show.visitor(one) : show.missing("visitor");
  },
  accounts: async (id) => {
    if (id == null) return show.accounts(await ask("/api/accounts"));
    const one = await ask("/api/account", { id });
    return one ? show.account(one) : show.missing("account");
  },
  search: async (text) => {
    const search = text ?? "";
    const [people, companies] = await Promise.all([ask("/api/contacts", { search }), ask("/api/accounts", { search })]);
    say(`${many(people.total, "contact")} and ${many(companies.total, "account")} found`);
    return show.found(search, people, companies);
  },
  messages: async (number) => {
    const one = await ask("/api/message", { number });
    return one ? show.message(one) : show.missing("message");
  },
  connections: async () => {
    const [all, faults] = await Promise.all([ask("/api/connections"), ask("/faults")]);
    return show.connections(all, faults, { onfault, oncalm });
  },
};
const SECTIONS = { "": "live", contacts: "contacts", accounts: "accounts", connections: "connections" };

/** Show the view of the address; `again` renews the one that stands and leaves focus and place alone. */
async function view(again = false) {
  const address = location.hash.replace(/^#\/?/, "");
  const [name, id] = address.split(/\/(.*)/s);
  const number = ++asked;
  let content;
  try {
    content = await (VIEWS[name] ?? (() => show.missing("page")))(id === undefined ? undefined : decodeURIComponent(id));
  } catch (error) {
    content = show.failed(error);
  }
  if (number !== asked) return;
  const open = again ? [...main.querySelectorAll("details")].map((one) => one.open) : [];
  const theSame = again ? focused() : () => null;
  main.replaceChildren(...content);
  main.querySelectorAll("details").forEach((one, at) => (one.open = open[at] ?? false));
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.section === SECTIONS[name]) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const title = main.querySelector("h1");
  document.title = `${title?.textContent ?? ""} · Local Variance`;
  if (document.activeElement !== words) words.value = name === "search" ? decodeURIComponent(id ?? "") : "";
  if (again) {
    theSame()?.focus({ preventScroll: true });
  } else if (shownFor !== null && document.activeElement !== words) {
    // A new view begins at its heading, for the keyboard and for who listens.
    title?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
  shownFor = address;
  goOn();
}

/** On to what was found, after Enter in the search. */
function goOn() {
  const first = goOnTo && main.querySelector(goOnTo);
  if (first) first.focus();
  goOnTo = null;
}

/** How to find what has the focus now, once the view is renewed. */
function focused() {
  const one = document.activeElement;
  const address = one.getAttribute("href");
  const like = one.id ? `#${CSS.escape(one.id)}` : address && `a[href="${CSS.escape(address)}"]`;
  if (!like || !main.contains(one)) return () => null;
  const at = [...main.querySelectorAll(like)].indexOf(one);
  return () => main.querySelectorAll(like)[at];
}

function say(text) {
  said.textContent = text;
}

// --- what comes in ---

function begin() {
  const source = new EventSource("/api/stream");
  source.addEventListener("open", () => link("live"));
  source.addEventListener("error", () => link("gone"));
  source.addEventListener("news", (event) => take(JSON.parse(event.data)));
}

const LINK = { live: "live", gone: "not reachable, trying again", paused: "paused" };
function link(now) {
  const shown = now === "live" && state.paused ? "paused" : now;
  document.getElementById("link").dataset.state = shown;
  document.getElementById("link-text").textContent = LINK[shown];
}

function take(news) {
  state.counts = news.counts;
  document.getElementById("figures")?.replaceChildren(...show.figures(state.counts));
  if (state.paused) {
    state.held = [...news.lines, ...state.held].slice(0, KEPT);
    return;
  }
  state.missed += news.missed;
  add(news.lines);
  renewSoon();
}

function add(lines) {
  state.news = [...lines, ...state.news].slice(0, KEPT);
  const list = main.querySelector(".stream .lines");
  if (!list) return;
  if (lines.length) document.getElementById("waiting")?.remove();
  list.prepend(...lines.map((one) => show.line(one)));
  while (list.children.length > KEPT) list.lastChild.remove();
  const missed = document.getElementById("missed");
  missed.hidden = !state.missed;
  missed.textContent = `${many(state.missed, "message")} came faster than can be read; their contacts have them.`;
}

function pause() {
  state.paused = !state.paused;
  if (!state.paused) add(state.held.splice(0));
  const button = document.getElementById("pause");
  button.setAttribute("aria-pressed", String(state.paused));
  button.textContent = state.paused ? "Go on" : "Pause";
  link("live");
}

// Lists and profiles follow at most once a second, however much comes in.
let renewal = null;
function renewSoon() {
  if (renewal !== null || document.getElementById("figures") || /^#\/messages/.test(location.hash)) return;
  renewal = setTimeout(() => {
    renewal = null;
    if (isInUse()) renewSoon();
    else view(true);
  }, 1000);
}

/** Whether somebody is reading or choosing something that a renewal would take out of their hands. */
function isInUse() {
  return main.querySelector("form:focus-within, pre:focus, details[open]") || !getSelection().isCollapsed;
}

// --- faults on demand ---

async function onfault(event) {
  event.preventDefault();
  const asked = new FormData(event.target);
  const what = asked.get("what");
  const fault = { times: Number(asked.get("times")), delay_seconds: Number(asked.get("delay")) };
  if (/^\d+$/.test(what)) fault.status = Number(what);
  else fault.fault = what;
  await change({ method: "POST", body: JSON.stringify(fault) });
}

const oncalm = () => change({ method: "DELETE" });

async function change(request) {
  const answer = await fetch("/faults", request);
  const due = await answer.json();
  say(answer.ok ? `${count(due.length)} due` : due.error);
  await view(true);
}

// --- search, and the keyboard ---

let typing = null;
words.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(search, 150);
});
document.getElementById("search").addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(typing);
  goOnTo = "tbody a";
  if (!search()) goOn();
});

/** Show what is found; false when that is shown already. */
function search() {
  const text = words.value.trim();
  const address = text ? `#/search/${encodeURIComponent(text)}` : "#/";
  if (address === location.hash) return false;
  if (location.hash.startsWith("#/search")) {
    history.replaceState(null, "", address);
    view();
  } else {
    location.hash = address;
  }
  return true;
}

// Not a single letter: those are in the way of who dictates to the browser (WCAG 2.1.4).
const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
if (isMac) document.getElementById("shortcut").textContent = "⌘K";
document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() === "k" && (isMac ? event.metaKey : event.ctrlKey)) {
    event.preventDefault();
    words.focus();
    words.select();
  }
});

// Its address would be taken for a view.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});

addEventListener("hashchange", () => view());

await view();
begin();
