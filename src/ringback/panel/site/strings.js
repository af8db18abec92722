/** Every word that the panel says, in one place. A function takes what stands in the sentence. */

const many = (n, one, more = `${one}s`) => `${n.toLocaleString()} ${n === 1 ? one : more}`;

export const S = {
  nav: {
    overview: "Overview", start: "Getting started", messages: "Messages", message: "Message",
    events: "Events", event: "Event", deliveries: "Webhook deliveries", delivery: "Delivery",
    attempt: "Attempt", endpoints: "Endpoints", endpoint: "Endpoint", callbacks: "Callbacks",
    callback: "Callback", connections: "Connections", connection: "Connection",
    inspector: "Inspector", developers: "Developers", catalogue: "Event catalogue", team: "Team",
    audit: "Audit log",
    groups: { messages: "Messages", events: "Events", manage: "Manage" },
  },
  frame: {
    nav: "Sections", phone: "Main sections", skip: "Skip to the content", mode: "Mode",
    modes: { live: "Live", test: "Test" }, testMode: "Test mode.", tenant: "Tenant",
    search: "Find a message, number, reference, event…", signOut: "Sign out", team: "Team and sessions",
    sheet: "Keyboard shortcuts",
    nothing: "There is no such page", nothingText: "Its address may be mistyped. Ctrl-K finds whatever there is.",
    mayNot: "Your role does not include this",
    mayNotText: (role) => `You are signed in as ${role}. An owner or admin of this tenant can change that under Team.`,
  },
  roles: {
    owner: "owner", admin: "admin", developer: "developer", marketer: "marketer", agent: "agent",
    read_only: "read-only",
  },
  theme: { auto: "As the system", light: "Light", dark: "Dark" },
  live: {
    live: "live", paused: "paused", connecting: "connecting", lost: "reconnecting", off: "not live",
    hint: {
      live: "Events come in as they happen. Click or press l to pause.",
      paused: "What is new is held back. Click or press l to go on.",
      connecting: "Opening the stream of events.",
      lost: "The stream broke off; it goes on where it stopped as soon as it is back.",
      off: "This role or mode has no stream of events.",
    },
  },
  keys: {
    title: "Keyboard shortcuts", palette: "Find or do anything", sheet: "This sheet",
    search: "Search this list", live: "Pause what is live", go: (where) => `Go to ${where}`,
    down: "Next row", up: "Previous row", open: "Open the row", replay: "Replay", test: "Send a test event",
  },
  palette: {
    title: "Find or do anything", screen: "screen", action: "action", searching: "Searching…",
    nothing: (text) => `Nothing has “${text}” as its id, number, reference or name.`,
    test: "Send a test event", simulate: "Simulate a message", dark: "Dark theme", light: "Light theme",
    docs: "API documentation",
  },
  kinds: {
    message: "message", event: "event", delivery: "delivery", attempt: "attempt",
    endpoint: "endpoint", connection: "connection", callback: "callback",
  },
  states: {
    loading: "Loading…", failed: "That did not work", retry: "Try again", request: "Request",
    unreachable: "Ringback does not answer", unreachableText: "It may be restarting, or the network is down. What you see was loaded before.",
    noMatch: "Nothing fits these filters", noMatchText: "There is more here than the filters let through.",
    clear: "Clear filters", broken: "This screen ran into a defect",
  },
  copy: {
    as: "Copy as", asCurl: "curl", asCli: "CLI command", link: "Link to this view", copy: "Copy", done: "Copied.",
    show: "Show", hide: "Hide", hint: (id) => `${id}: click to copy`,
  },
  dialog: { close: "Close", cancel: "Cancel" },
  list: {
    columns: "Columns", flood: (n) => `${n.toLocaleString()} a second: too fast to read, filter or pause`,
    fresh: (n) => `${n.toLocaleString()} new`, narrow: "filters show more of what you look for",
    count: (n, more) => (more ? `${n.toLocaleString()} loaded, scroll for more` : many(n, "row")),
    messages: "Messages", events: "Events", deliveries: "Webhook deliveries", callbacks: "Callbacks",
    endpoints: "Endpoints", connections: "Connections",
  },
  filters: { all: "all" },
  time: { now: "now", ago: (text) => `${text} ago`, in: (text) => `in ${text}`, copy: "click to copy" },
  code: {
    json: "JSON", text: "Text", empty: "Empty.", truncated: "Only the beginning was kept.",
    noHeaders: "No headers.", binary: (n) => `${n.toLocaleString()} bytes that are no text, in base64:`,
    masked: (n) => `${n.toLocaleString()} bytes, not shown to your role.`,
  },
  chart: { of: (what) => `Chart over time: ${what}` },
  status: {
    queued: "Queued", submitting: "Submitting", submitted: "Submitted", scheduled: "Scheduled", sent: "Sent",
    delivered: "Delivered", read: "Read", failed: "Failed", undelivered: "Undelivered", rejected: "Rejected",
    expired: "Expired", unconfirmed: "Unconfirmed", canceled: "Cancelled", cancelled: "Cancelled",
    received: "Received", unknown: "Unknown",
  },
  signIn: {
    title: "Sign in", email: "E-mail", password: "Password", go: "Sign in", name: "Your name",
    newPassword: "New password", passwordHelp: "At least 12 characters; a few words are easy to remember.",
    welcome: "Welcome to Ringback", choose: "Choose the password that you will sign in with.",
    entering: "Signing you in", already: "You are signed in", lost: "Locked out? On the machine itself:", you: "EMAIL",
    linkFailed: "This link does not work", linkFailedText: "It is good for once and for a limited time.",
    byPassword: "Sign in with a password",
  },

  messages: {
    status: "Status", direction: "Direction", channel: "Channel", from: "From", to: "To", reference: "Reference",
    error: "Error", provider: "Provider", id: "Id", at: "Known for", digits: "number or last digits",
    directions: { outbound: "out", inbound: "in" },
    channels: { sms: "SMS", mms: "MMS", whatsapp: "WhatsApp", rcs: "RCS", rbm: "RBM", voice: "Voice" },
    statuses: ["submitted", "sent", "delivered", "read", "failed", "expired", "unconfirmed", "received"],
    none: "No messages yet", noneText: "They appear when a provider reports on one, or when one is simulated:",
    simulate: "Simulate one",
  },

  // --- message: one message and its timeline ---
  message: {},

  // --- events ---
  events: {},

  // --- callbacks ---
  callbacks: {},

  // --- webhook deliveries and attempts ---
  deliveries: {},
  attempt: {},

  // --- endpoints ---
  endpoints: {},

  // --- connections ---
  connections: {},

  // --- getting started ---
  start: {},

  // --- overview ---
  overview: {},

  // --- developers: keys, catalogue ---
  developers: {},

  // --- inspector ---
  inspector: {},

  // --- team, sessions, audit log ---
  team: {},
  audit: {},
};
