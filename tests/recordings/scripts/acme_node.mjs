// The billing service of Acme Boards, an invented project tool, through posthog-node.

import { PostHog } from 'posthog-node'

const client = new PostHog(process.env.POSTHOG_TOKEN, {
  host: process.env.POSTHOG_HOST,
  flushAt: 5,
  flushInterval: 0,
  disableGeoip: false,
})

const RAVI = 'u-6001'
const groups = { company: 'contoso' }

client.capture({ distinctId: 'anon-c0ffee', event: 'checkout opened', properties: { plan: 'team', seats: 12 } })
client.identify({
  distinctId: RAVI,
  properties: {
    $set: { email: 'ravi@contoso.example', name: 'Ravi Ångström', company_id: 'contoso' },
    $set_once: { first_plan: 'team' },
    $anon_distinct_id: 'anon-c0ffee',
  },
})
client.identify({ distinctId: RAVI, properties: { locale: 'en-IN', vip: true } })
client.alias({ distinctId: RAVI, alias: 'crm-99182' })
client.groupIdentify({
  groupType: 'company',
  groupKey: 'contoso',
  properties: { name: 'Contoso Ltd', plan: 'team', arr: 48000.5, employees: 9007199254740991 },
})
client.groupIdentify({ groupType: 'workspace', groupKey: 'ws-7', distinctId: RAVI })
client.capture({
  distinctId: RAVI,
  event: 'invoice paid',
  properties: {
    invoice: { number: 'R-2026-0042', lines: [{ sku: 'seat', quantity: 12, price: 19.99 }], note: 'merci – 谢谢 💶' },
    total: 239.88,
    taxed: true,
    coupon: null,
    missing: undefined,
    paid_at: new Date('2026-11-21T09:15:00.250Z'),
    $set: { last_invoice: 'R-2026-0042' },
    $set_once: { first_invoice: 'R-2026-0042' },
  },
  groups,
  timestamp: new Date('2026-11-21T09:15:00.250Z'),
})
client.capture({
  distinctId: RAVI,
  event: '$pageview',
  properties: {
    $current_url: 'https://app.acme.example/billing?tab=invoices#R-2026-0042',
    $ip: '203.0.113.77',
    $raw_user_agent: 'Mozilla/5.0 (invented)',
  },
  groups,
})
client.capture({
  distinctId: RAVI,
  event: '$screen',
  properties: {
    $screen_name: 'Invoice',
    $app_name: 'Acme Boards',
    $app_version: '8.1.0',
    $app_build: '810',
    $app_namespace: 'example.acme.boards',
    $device_type: 'Mobile',
    $device_model: 'Phone 4',
    $device_manufacturer: 'Invented',
    $locale: 'en-IN',
    $network_wifi: true,
    $network_carrier: 'Carrier',
    invoice: 'R-2026-0042',
  },
  groups,
})
client.setPersonProperties({ distinctId: RAVI, properties: { seats: 13 }, propertiesOnce: { card_brand: 'visa' } })
client.unsetPersonProperties({ distinctId: RAVI, properties: ['vip'] })
client.captureException(new RangeError('the invoice has no lines'), RAVI, { invoice: 'R-2026-0043' })
await client.isFeatureEnabled('annual-billing', RAVI, { groups })
client.capture({
  distinctId: 'svc-dunning',
  event: 'reminder sent',
  properties: { $process_person_profile: false, days: 14 },
})
client.capture({ distinctId: 'null', event: 'webhook received', properties: { source: 'bank' } })
await client.shutdown()
