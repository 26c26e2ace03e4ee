// Visitors of Acme Boards, an invented project tool, through posthog-js in headless Chromium.
//
// A local server gives out the pages. Chromium resolves the invented names to this computer, so that
// the addresses in the events read as they would in the world, without a port.

import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'

const APP = 'http://app.acme.example'
const CAPTURE = 'http://ph.acme.example'
const USER_AGENT = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36'
// posthog-js sends its queue every three seconds.
const FLUSH_MILLISECONDS = 3500

const library = readFileSync(createRequire(import.meta.url).resolve('posthog-js/dist/module.js'))

const page = (title, body) => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${title}</title><link rel="icon" href="data:,"></head>
<body>
<nav class="top nav"><a id="home" href="/">Acme Boards</a> <a href="/pricing">Pricing</a></nav>
${body}
<script type="module">
import posthog from '/posthog.js'
window.posthog = posthog
posthog.init('${process.env.POSTHOG_TOKEN}', {
  api_host: '${CAPTURE}',
  defaults: '2025-05-24',
  person_profiles: new URLSearchParams(location.search).get('profiles') ?? 'identified_only',
})
</script>
</body>
</html>`

const pages = {
  '/': page('Acme Boards – plan together', `
    <main><h1>Plan together</h1>
    <button class="cta primary" data-attr="hero-trial" type="button">Start "free" trial; no card</button></main>`),
  '/pricing': page('Pricing | Acme Boards', `
    <form class="seats" onsubmit="return false"><label>Seats <input name="seats" type="number" value="5"></label>
    <button type="submit">Quote</button></form><a href="http://docs.acme.example/pricing">How we count</a>`),
  '/boards': page('進行中 · Boards', `
    <section class="board"><div class="card" id="card-17"><span>Rahmen löten 🔧</span></div>
    <button class="add">Add card</button></section>`),
  '/settings': page('Settings | Acme Boards', '<button id="quit">Leave workspace</button>'),
}

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, APP)
  if (pathname === '/posthog.js') {
    response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(library)
  } else if (pathname in pages) {
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(pages[pathname])
  } else {
    response.writeHead(404).end()
  }
})
await new Promise((listening) => server.listen(0, '127.0.0.1', listening))

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: [
    `--host-resolver-rules=MAP app.acme.example 127.0.0.1:${server.address().port}, `
      + `MAP ph.acme.example ${new URL(process.env.POSTHOG_HOST).host}, MAP * ~NOTFOUND`,
    `--user-agent=${USER_AGENT}`, '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--disable-features=HttpsUpgrades,HttpsFirstBalancedMode',
  ],
})

const newVisitor = async () => {
  const computer = await browser.newContext({
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    viewport: { width: 1440, height: 900 },
    screen: { width: 1920, height: 1080 },
  })
  // Chromium says of itself that a program steers it, and posthog-js keeps quiet before robots.
  await computer.addInitScript(() => {
    Object.defineProperty(navigator, 'webdriver', { get: () => false })
    Object.defineProperty(navigator, 'userAgentData', { get: () => undefined })
  })
  const tab = await computer.newPage()
  const open = async (path, referer) => {
    await tab.goto(APP + path, { referer })
    await tab.waitForFunction(() => window.posthog?.__loaded)
  }
  const flush = () => tab.waitForTimeout(FLUSH_MILLISECONDS)
  const leave = async () => {
    await flush()
    await tab.goto('about:blank')
    await flush()
  }
  return { tab, open, flush, leave }
}

// Kim comes from a campaign, signs up, works, and lets a colleague use the same computer.
const kim = await newVisitor()
await kim.open(
  '/?utm_source=spring&utm_medium=email&utm_campaign=webinar%202026&utm_term=kanban&utm_content=hero&gclid=Cj0invented',
  'http://search.example/?q=kanban',
)
await kim.tab.click('button.cta')
await kim.tab.click('text=Pricing')
await kim.tab.waitForFunction(() => window.posthog?.__loaded)
await kim.tab.fill('input[name=seats]', '25')
await kim.tab.click('button[type=submit]')
await kim.tab.evaluate(() => posthog.capture('quote calculated', { seats: 25, total: 499.75, currency: 'EUR' }))
await kim.flush()
await kim.open('/boards?board=9007199254740993&view=kanban#card-17')
await kim.tab.evaluate(() => {
  posthog.identify(
    'u-4711',
    { email: 'kim@northwind.example', name: 'Kim Løvås', plan: 'trial' },
    { first_seen_page: '/boards' },
  )
  posthog.group('company', 'northwind', { name: 'Northwind Räder GmbH', seats: 40 })
  posthog.group('workspace', 'ws-88')
  posthog.capture('card added', {
    title: 'Rahmen löten 🔧',
    labels: ['werkstatt', '進行中'],
    position: { column: 'To do', index: 0 },
    estimate_hours: 1.5,
    assignee: null,
    first: true,
  })
})
await kim.tab.click('button.add')
await kim.flush()
await kim.tab.evaluate(() => {
  posthog.setPersonProperties({ theme: 'dark' }, { first_theme: 'dark' })
  posthog.identify('u-4711', { plan: 'team' })
  posthog.alias('crm-1200', 'u-4711')
  history.pushState({}, '', '/boards/archive?from=menu')
  posthog.captureException(new TypeError('column is undefined'), { board: 12 })
  posthog.capture('plan upgraded', { plan: 'team', $set: { seats: 40 }, $set_once: { upgraded_at: '2026-11-21' } })
})
await kim.tab.click('button.add', { clickCount: 3, delay: 20 })
await kim.flush()
await kim.open('/settings')
await kim.tab.evaluate(() => posthog.reset())
await kim.tab.evaluate(() => {
  posthog.capture('login page shown')
  posthog.identify('u-4712', { email: 'aiko@northwind.example', name: '田中 愛子' })
  posthog.group('company', 'northwind')
  posthog.capture('card completed', { on_time: true })
})
await kim.flush()
await kim.tab.evaluate(() => {
  posthog.opt_out_capturing()
  posthog.capture('never seen', { because: 'opted out' })
  posthog.opt_in_capturing()
  posthog.capture('tracking allowed')
  posthog.unsetPersonProperties?.(['theme'])
})
await kim.leave()

// A visitor who stays anonymous, on a page that makes a profile of everybody.
const visitor = await newVisitor()
await visitor.open('/?profiles=always&utm_source=newsletter')
await visitor.tab.click('button.cta')
await visitor.tab.evaluate(() => posthog.capture('video played', { seconds: 12.25, muted: false }))
await visitor.tab.evaluate(() => posthog.setPersonProperties({ newsletter: true }))
await visitor.flush()
await visitor.open('/pricing?profiles=always')
await visitor.leave()

await browser.close()
server.close()
