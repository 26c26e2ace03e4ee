// Making elements, and how values are said. All text goes in as text: nothing that was sent becomes markup.

/** An element: `el("a.name", {href: "#/"}, "text", child)`. What is null or false is left out. */
export function el(what, ...rest) {
  const [name, ...classes] = what.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  const isAttributes = rest.length && rest[0]?.constructor === Object;
  for (const [key, value] of Object.entries(isAttributes ? rest.shift() : {})) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...rest.flat(9).filter((child) => child != null && child !== false));
  return element;
}

/** What the server shows at a path; null where there is nothing. */
export async function ask(path, asked = {}) {
  const query = new URLSearchParams(asked).toString();
  const answer = await fetch(query ? `${path}?${query}` : path, { headers: { Accept: "application/json" } });
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error((await answer.json()).error ?? `HTTP ${answer.status}`);
  return answer.json();
}

const counted = new Intl.NumberFormat("en");
export const count = (number) => counted.format(number);
export const many = (number, one, more = `${one}s`) => `${count(number)} ${number === 1 ? one : more}`;

const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const year = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const whole = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });

/** A time, as short as it is clear; the whole of it on hovering. */
export function time(seconds) {
  if (seconds == null) return el("span.faint", "never");
  const moment = new Date(seconds * 1000);
  const now = new Date();
  const [isToday, isThisYear] = [moment.toDateString() === now.toDateString(), moment.getFullYear() === now.getFullYear()];
  const text = (isToday ? clock : isThisYear ? day : year).format(moment);
  return el("time", { datetime: moment.toISOString(), title: whole.format(moment) }, text);
}

/** Where something has its own view. */
const VIEWS = { contact: "contacts", user: "contacts", visitor: "visitors", account: "accounts" };
export const to = (kind, id) => `#/${VIEWS[kind] ?? kind}/${encodeURIComponent(id)}`;

/** Someone or an account, as a link. */
export function ref(one) {
  if (!one) return el("span.faint", "nobody");
  if (one.kind === "visitor") return el("a.visitor", { href: to("visitor", one.id), title: one.id }, "visitor ", short(one.id));
  return el("a", { href: to(one.kind, one.id) }, one.name);
}

/** The two ends of a long id. */
export const short = (id) => (id.length > 16 ? `${id.slice(0, 7)}…${id.slice(-5)}` : id);

/** A round mark with initials, in a colour that stays the same for the same id. */
export function avatar(name, id, square = false) {
  const words = name.replace(/@.*/, "").split(/[\s._-]+/).filter(Boolean);
  const initials = words.slice(0, 2).map((word) => [...word][0].toLocaleUpperCase()).join("") || "?";
  const hue = [...id].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 8, 7);
  return el(`span.avatar.hue-${hue}${square ? ".square" : ""}`, { "aria-hidden": "true" }, initials);
}

const LONG = 200_000;

/** JSON text, indented, with each kind of token in its own colour; as it came where it cannot be read. */
export function json(text) {
  // Colours and indents are for what a person reads.
  if (text.length > LONG) return el("pre.json", { tabindex: "0" }, text);
  let indented = text;
  try {
    indented = indent(text);
  } catch {
    // not whole JSON: the text as it is
  }
  const block = el("pre.json", { tabindex: "0" });
  const token = /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|-?\d[\d.eE+-]*/g;
  let end = 0;
  for (const found of indented.matchAll(token)) {
    block.append(indented.slice(end, found.index));
    const kind = found[2] ? "key" : found[1] ? "text" : found[3] ? "word" : "number";
    block.append(el(`span.${kind}`, found[1] ?? found[0]), found[2] ?? "");
    end = found.index + found[0].length;
  }
  block.append(indented.slice(end));
  return block;
}

// Not JSON.parse and stringify: those would round the digits of large numbers.
function indent(text) {
  JSON.parse(text);
  let depth = 0;
  return text.replace(/"(?:\\.|[^"\\])*"|[{}[\],:]|\s+|[^\s{}[\],:"]+/g, (token, at) => {
    if (/^\s/.test(token)) return "";
    if (token === "{" || token === "[") {
      const empty = /^\s*[}\]]/.test(text.slice(at + 1, at + 200));
      depth += 1;
      return empty ? token : `${token}\n${"  ".repeat(depth)}`;
    }
    if (token === "}" || token === "]") {
      depth -= 1;
      return /[{[]\s*$/.test(text.slice(Math.max(0, at - 200), at)) ? token : `\n${"  ".repeat(depth)}${token}`;
    }
    if (token === ",") return `,\n${"  ".repeat(depth)}`;
    return token === ":" ? ": " : token;
  });
}
