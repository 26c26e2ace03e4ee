// What each view shows, from what the server tells.

import { avatar, count, el, json, many, ref, short, time, to } from "./dom.js";

const badge = (type) => el(`span.badge.${type}`, type);
const empty = (...text) => el("p.empty", ...text);
const heading = (title, ...beside) => el("div.heading", el("h1", { tabindex: "-1" }, title), ...beside);

function section(title, ...content) {
  return el("section.card", { "aria-label": title }, el("h2", title), ...content);
}

function table(caption, columns, rows) {
  const head = el("tr", columns.map((name) => el("th", { scope: "col", class: /^(Events|People)$/.test(name) ? "figure" : null }, name)));
  return el("div.scroll", el("table", el("caption.unseen", caption), el("thead", head), el("tbody", rows)));
}

// --- messages, a line each ---

export function line(one, { when = "time", by = false } = {}) {
  const title = one.title || one.type;
  const detail = [by && one.who ? `by ${one.who.name}` : null, one.detail].filter(Boolean).join(" · ");
  return el(
    `li.line.${one.type}`,
    { "data-number": one.number },
    badge(one.type),
    el("div.told", el("a", { href: to("messages", one.number) }, title), detail ? el("span.detail", detail) : null),
    el("div.who", one.account && one.type === "group" && !one.who ? ref(one.account) : ref(one.who)),
    time(one[when]),
  );
}

/** Of one contact or account: by the time at which things happened. */
export function lines(all, none, by = false) {
  return all.length ? el("ol.lines", all.map((one) => line(one, { when: "happened", by }))) : empty(none);
}

// --- live ---

const FIGURES = [
  ["contacts", "Contacts", "#/contacts"],
  ["accounts", "Accounts", "#/accounts"],
  ["visitors", "Visitors", null],
  ["messages", "Messages", null],
  ["duplicates", "Duplicates", null],
  ["rejected", "Rejected posts", "#/connections"],
];

export function figures(counts) {
  return FIGURES.map(([key, name, link]) => {
    const value = el("dd", count(counts[key] ?? 0));
    const inside = [el("dt", link ? el("a", { href: link }, name) : name), value];
    return el(`div.figure-card${key === "rejected" && counts[key] ? ".bad" : ""}`, ...inside);
  });
}

export function live({ counts, news, paused, onpause }) {
  const list = el("ol.lines", { "aria-label": "Messages, newest first" }, news.map((one) => line(one)));
  return [
    heading("Live", el("button.quiet", { type: "button", id: "pause", "aria-pressed": String(paused), onclick: onpause }, paused ? "Go on" : "Pause")),
    el("dl.figures", { id: "figures" }, figures(counts)),
    el("section.card.stream", { "aria-label": "Messages as they arrive" }, el("p.missed.faint", { id: "missed", hidden: true }),
      news.length ? null : waiting(), list),
  ];
}

function waiting() {
  const address = `${location.origin}/webhook`;
  return el(
    "div.empty", { id: "waiting" },
    el("p", "Nothing has arrived yet. Send something here:"),
    el("pre", { tabindex: "0" }, `variance-plugin export events.jsonl \\\n    --webhook-url ${address} --set allowedHosts=${location.hostname}`),
  );
}

// --- contacts ---

function contactRows(contacts, account) {
  return contacts.map((one) => {
    const name = one.name ?? one.email ?? one.id;
    return el(
      "tr",
      el("th", { scope: "row" }, el("div.person", avatar(name, one.id), el("div", el("a", { href: to("contact", one.id) }, name),
        el("span.detail", one.name && one.email ? one.email : short(one.id))))),
      account && el("td", one.accounts.length ? one.accounts.map((account, at) => [at ? ", " : "", ref(account)]) : el("span.faint", "none")),
      el("td.figure", count(one.events)),
      el("td", time(one.last_seen)),
    );
  });
}

function contactTable(contacts, caption, account = true) {
  return table(caption, ["Contact", account && "Account", "Events", "Last seen"].filter(Boolean), contactRows(contacts, account));
}

const shown = (total, listed, one) => el("p.faint", total > listed ? `${many(total, one)}, of which the ${listed} seen last are shown` : many(total, one));

export function contacts(list) {
  return [
    heading("Contacts", shown(list.total, list.contacts.length, "contact")),
    el("section.card", { "aria-label": "Contacts" },
      list.contacts.length ? contactTable(list.contacts, "Contacts, the latest seen first")
        : empty("Nobody was identified yet. A contact is made by an identify with a userId.")),
  ];
}

const CHANGES = {
  identified: () => ["became a contact"],
  "took over a visitor": (one) => ["took over ", many(one.events, "event"), " of visitor ", el("code", { title: one.other }, short(one.other))],
  merged: (one) => [el("strong", "merged"), " with ", el("code", one.other), one.events ? `, who had ${many(one.events, "event")}` : ""],
  renamed: (one) => [el("strong", "got a new id"), ", from ", el("code", one.other)],
  joined: (_, account) => ["joined ", ref(account)],
  left: (_, account) => ["left ", ref(account)],
};

function change({ change: one, account }) {
  return el(`li.change.${one.kind.split(" ")[0]}`, el("div.told", ...CHANGES[one.kind](one, account)), origin(one.origin));
}

const FOUND_BY = { group: "a group call", "identify traits": "traits of an identify", "email domain": "the domain of the email" };

function origin(from) {
  return el("a.origin", { href: to("messages", from.number), title: `message ${from.message_id ?? "without id"}, connection ${from.connection}` },
    badge(from.type), time(from.time));
}

function traits(all, none) {
  if (!all.length) return empty(none);
  return table("Traits, and the message that each came from", ["Trait", "Value", "From"],
    all.map((one) => el("tr", el("th", { scope: "row" }, one.name), el("td.value", value(one.json)), el("td", origin(one.origin)))));
}

const LONG = 4_000;

function value(text) {
  if (text.length > LONG) return [el("code", `${text.slice(0, 300)}…`), el("span.detail", `${count(text.length)} characters; the message has all of it`)];
  if (/^[[{]/.test(text) && text.length > 2) return json(text);
  if (text.startsWith('"')) {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  return el("span.json", el(`span.${/^[-\d]/.test(text) ? "number" : "word"}`, text));
}

const fact = (name, ...content) => el("div", el("dt", name), el("dd", ...content));

export function contact(one) {
  const name = one.name ?? one.email ?? one.id;
  return [
    el("div.profile", avatar(name, one.id), el("div", el("h1", { tabindex: "-1" }, name),
      el("p.faint", [one.email !== name ? one.email : null, one.identified ? null : "not identified yet"].filter(Boolean).join(", ")))),
    el("dl.facts",
      fact("User id", el("code", one.id)),
      fact("Last seen", time(one.last_seen)),
      fact("First seen", time(one.first_seen)),
      fact("Events", count(one.events)),
      one.names.length ? fact("Also known as", one.names.map((other, at) => [at ? " " : "", el("code", { title: other }, short(other))])) : null),
    el("div.columns",
      el("div", section("Traits", traits(one.traits, "None.")),
        section("Accounts", one.accounts.length
          ? el("ul.plain", one.accounts.map(({ account, membership }) => el("li.change", el("div.told", ref(account), el("span.detail", `found by ${FOUND_BY[membership.found_by]}`)), origin(membership.origin))))
          : empty("None: no group call, company trait or email domain led to one."))),
      el("div", section("How this contact came about", el("ol.plain", one.changes.map(change))),
        section("Messages", lines(one.messages, "No longer kept.")))),
  ];
}

// --- visitors ---

export function visitor(one) {
  return [
    heading("Anonymous visitor"),
    el("dl.facts", fact("Anonymous id", el("code", one.id)), fact("Last seen", time(one.last_seen)), fact("First seen", time(one.first_seen)),
      fact("Known as", one.linked_to ? ref(one.linked_to) : el("span.faint", "nobody yet: no identify or alias has named them"))),
    section(one.linked_to ? "Messages from before they were known" : "Messages", lines(one.messages, "None.")),
  ];
}

// --- accounts ---

const accountTable = (accounts) => table("Accounts by name", ["Account", "Found by", "People", "Last seen"],
  accounts.map((one) => el("tr",
    el("th", { scope: "row" }, el("div.person", avatar(one.name, one.id, true), el("div", el("a", { href: to("account", one.id) }, one.name),
      one.id === one.name ? null : el("span.detail", short(one.id))))),
    el("td", FOUND_BY[one.found_by]), el("td.figure", count(one.people)), el("td", time(one.last_seen)))));

export function accounts(list) {
  return [
    heading("Accounts", el("p.faint", many(list.total, "account"))),
    el("section.card", { "aria-label": "Accounts" },
      list.accounts.length ? accountTable(list.accounts)
        : empty("None yet. They come from group calls, from traits of an identify, or from the domain of an email; which one is the connection's choice.")),
  ];
}

export function account(one) {
  return [
    el("div.profile", avatar(one.name, one.id, true), el("div", el("h1", { tabindex: "-1" }, one.name), el("p.faint", `found by ${FOUND_BY[one.found_by]}`))),
    el("dl.facts", fact("Account id", el("code", one.id)), fact("Last seen", time(one.last_seen)), fact("People", count(one.people.total))),
    el("div.columns",
      el("div", section("People", one.people.contacts.length ? contactTable(one.people.contacts, "People of this account", false) : empty("None yet.")),
        section("Traits", traits(one.traits, "None but its name."))),
      el("div", section("Messages", lines(one.messages, "No longer kept.", true)))),
  ];
}

// --- search ---

export function found(words, people, companies) {
  const none = !people.total && !companies.total;
  return [
    heading(words ? `Found for “${words}”` : "Search"),
    none ? el("section.card", empty(words ? "No contact and no account has all of that in its name, email or ids." : "Type a name, an email, a company or an id.")) : null,
    people.total ? section(many(people.total, "contact"), contactTable(people.contacts, "Contacts found")) : null,
    companies.total ? section(many(companies.total, "account"), accountTable(companies.accounts)) : null,
  ].filter(Boolean);
}

// --- one message ---

export function message(one) {
  const { line: about } = one;
  return [
    el("div.heading", badge(about.type), el("h1", { tabindex: "-1" }, about.title || about.type)),
    el("dl.facts", fact("About", ref(about.who ?? about.account)), fact("Arrived", time(about.time)), fact("By connection", one.connection),
      fact("Message id", one.message_id ? el("code", one.message_id) : el("span.faint", "none")), fact("Number", count(about.number))),
    el("div.columns.even",
      section("The message as it was sent", json(one.json)),
      one.event
        ? section("The PostHog event it came from", json(one.event))
        : section("The PostHog event it came from", empty("Not known here: it is when the same program read the event, as `variance-plugin demo` does."))),
  ];
}

// --- connections ---

const WAYS = {
  group: () => "group calls",
  traits: (one) => ["the traits ", el("code", one.id_trait), " and ", el("code", one.name_trait)],
  email: () => "the domain of the email",
  any: () => "group calls and company traits, whichever come",
};

function connection(one) {
  const checked = [one.authorization ? "Authorization" : null, one.secret ? "X-Signature" : null].filter(Boolean).join(" and ");
  const unenforced = Object.entries(one.let_in);
  return el("section.card", { "aria-label": `Connection ${one.name}` },
    el("h2", one.name),
    el("dl.facts",
      fact("Webhook URL", el("code", location.origin + one.path)),
      fact("Checks", checked ? `${checked}, ${one.enforced ? "enforced" : "not enforced"}` : "nothing"),
      fact("Accounts by", WAYS[one.accounts_by](one)),
      fact("Last seen", one.updates_last_seen ? "updated" : "left alone"),
      fact("Posts", `${count(one.posts)}, ${count(one.rejections)} rejected`)),
    unenforced.length ? el("p.warn", "Taken although: ", unenforced.map(([why, times]) => `${why} (${count(times)})`).join(", ")) : null,
    el("h3", "Rejected"),
    one.rejected.length
      ? table(`Rejected posts of ${one.name}`, ["Time", "Answered", "Reason"], one.rejected.map((post) => el("tr", el("td", time(post.time)), el("td", post.status ?? el("span.faint", "nothing")), el("td", post.reason))))
      : empty("None."),
    el("details", el("summary", "Latest payload", one.latest ? [", ", time(one.latest_time)] : null), one.latest ? json(one.latest) : empty("None yet.")));
}

export function connections(all, faults, { onfault, oncalm }) {
  return [heading("Connections"), ...all.map(connection), faultForm(faults, { onfault, oncalm })];
}

function faultForm(faults, { onfault, oncalm }) {
  const field = (label, input) => el("label", el("span", label), input);
  const choice = (name, ...options) => el("select", { name }, options.map(([value, text]) => el("option", { value }, text)));
  return el("section.card", { "aria-label": "Faults on demand" },
    el("h2", "Faults on demand"),
    el("p.faint", "See how your set-up bears it when Variance is slow, refuses, or is gone."),
    el("form.row", { onsubmit: onfault },
      field("Instead of an answer as usual", choice("what", ["503", "503 Service Unavailable"], ["429", "429 Too Many Requests"], ["500", "500 Internal Server Error"],
        ["401", "401 Unauthorized"], ["413", "413 Content Too Large"], ["400", "400 Bad Request"], ["reset", "a reset connection"], ["close", "a closed connection"], ["hang", "no answer at all"], ["200", "200, but late"])),
      field("after seconds", el("input", { name: "delay", type: "number", min: 0, max: 3600, step: "any", value: 0 })),
      field("for so many posts", el("input", { name: "times", type: "number", min: 1, value: 3 })),
      el("button", { type: "submit" }, "Do so")),
    el("p", { id: "due" }, faults.length
      ? [el("span.warn", `Due now: ${faults.map((one) => `${one.fault ?? one.status ?? 200}${one.times ? ` × ${one.times}` : ""}`).join(", ")}. `), el("button.quiet", { type: "button", onclick: oncalm }, "Take all back")]
      : el("span.faint", "None is due.")));
}

export const missing = (what) => [heading("Not here"), el("section.card", empty(`There is no ${what} like that; it may have been merged, or come from before a restart.`))];
export const failed = (error) => [heading("That did not work"), el("section.card", empty(String(error.message ?? error)))];
