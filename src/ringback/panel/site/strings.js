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
  filters: {
    all: "all",
    spans: [["15m", "15 minutes"], ["1h", "an hour"], ["6h", "6 hours"], ["24h", "a day"], ["7d", "7 days"]],
  },
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
  deliveries: {
    status: { scheduled: "Scheduled", exhausted: "Exhausted", pending: "Pending", delivered: "Delivered", cancelled: "Cancelled" },
    all: "All", tabs: "Which deliveries",
    means: {
      "": "Each is one event owed to one endpoint. Newest events first.",
      scheduled: "Failing: the last attempt did not succeed, and the next is scheduled. Nothing is lost; later events of the same message wait behind it.",
      exhausted: "Failed for good: the last attempt of the schedule failed too, or the endpoint wants no more. Only a replay sends these again.",
      pending: "Under way: being sent right now, due, or waiting behind an earlier event of the same message.",
      delivered: "The endpoint answered 2xx.",
      cancelled: "Ended without being delivered, because the endpoint was disabled or deleted, or the event removed.",
    },
    title: {
      status: "Status", type: "Event type", endpoint: "Endpoint", answer: "Answer", attempts: "Attempt", ms: "Duration",
      next: "Next try", id: "Id", at: "Last tried", act: "Replay button", n: "#", when: "Started", decision: "What followed",
      event: "Event", message: "Message", emitted: "Emitted",
    },
    of: (n, all) => `${n} / ${all}`, removed: "removed event", since: "Since", ofEvent: "Of one event",
    families: [["message.*", "message.*"], ["call.*", "call.*"], ["number_order.*", "number_order.*"], ["provider.*", "provider.*"], ["endpoint.*", "endpoint.*"]],
    replay: "Replay", replayed: "Sent once more, as a delivery of its own.",
    replayMeans: "A replay sends the same event with the same id at once: a receiver that has it already knows it again.",
    none: "No webhook deliveries yet", toEndpoints: "Add an endpoint",
    noneText: "Every event is delivered to each endpoint that wants its type. Add an endpoint, or forward events to a program on this machine:",
    noneCommand: "ringback listen 3000",
    decided: "What was decided", waiting: "Nothing has been sent yet: it is due, or waits behind an earlier event of the same message.",
    nextAt: "Next attempt at", whole: "Request, answer and timings of this attempt", history: "Attempts", facts: "About this delivery",
    noAttempts: "No request has been made yet.", attempt: "Open", toMessage: "Its timeline",
    headline: {
      delivered: (type, to, n) => (n > 1 ? `${to} took ${type} at attempt ${n}` : `${to} took ${type} at once`),
      scheduled: (type, to, n) => `${to} has not taken ${type} in ${many(n, "attempt")}; it will be tried again`,
      exhausted: (type, to, n) => `${to} did not take ${type}: given up after ${many(n, "attempt")}`,
      pending: (type, to) => `${type} is on its way to ${to}`,
      cancelled: (type, to) => `${type} is not delivered to ${to}`,
    },
  },
  attempt: {
    errors: {
      invalid_request: "invalid request", guard_denied: "refused by the guard", dns: "name not found", connect: "no connection",
      connect_timeout: "connect timeout", tls: "TLS", timeout: "timeout", reset: "connection reset", protocol: "not HTTP",
      head_too_large: "headers too large", busy: "no free connection", closed: "stopped", withdrawn: "withdrawn",
      cancelled: "cancelled", retention: "removed", failed: "program failed", unreachable: "program not reached",
    },
    hints: {
      timeout: ["No answer in time", "Answer 2xx as soon as the event is stored and do the work afterwards; or give the endpoint a longer timeout in its delivery policy."],
      connect_timeout: ["Nothing answered at this address", "A firewall may drop what we send, or the host is down. Let this installation's address in, and see that the port is right."],
      connect: ["The connection was refused", "Nothing listens on this port, or the host cannot be reached. Start the receiver, or correct host and port of the URL."],
      dns: ["The host name cannot be resolved", "It may be mistyped, new, or known only inside another network. Correct the URL, or add the record and wait until it is known."],
      tls: ["The TLS handshake failed", "The receiver has to offer TLS 1.2 or newer with a certificate for this very name that public authorities vouch for."],
      tls_expired: ["The receiver's certificate has expired", "Renew it on the receiver. Deliveries go on by themselves with the next attempt."],
      tls_name: ["The certificate is for another name", "Put this host name on the receiver's certificate, or use the name in the URL that the certificate has."],
      tls_chain: ["Nobody vouches for the certificate", "It is self-signed, or the intermediate certificate is missing: configure the full chain on the receiver."],
      reset: ["The connection broke off", "The receiver or a proxy before it closed it in the middle. Look into its log at this time: a crash, a restart, or a limit on the size of bodies."],
      protocol: ["The answer is not HTTP", "Another service may listen on this port, or the URL says http where the port speaks https."],
      head_too_large: ["The answer's headers are too large", "More than 16 KiB of headers, or more than 64: a receiver of webhooks needs next to none."],
      busy: ["Our own limit", "All connections of this endpoint were in use until the time was over. It answers slowly, or its concurrency is too low."],
      guard_denied: ["This address is closed", "Endpoints reach public addresses only, so that nobody can use Ringback to look into a private network."],
      invalid_request: ["The request cannot be sent", "Its URL or one of the endpoint's own headers is not fit for HTTP: correct the endpoint."],
      closed: ["Ringback was stopping", "Nothing is wrong: it is sent by the next worker."],
      withdrawn: ["It was taken back before it was sent", "The endpoint was changed meanwhile; it is sent as it is configured now."],
      cancelled: ["No request was made", "The endpoint was disabled or deleted before this event was due."],
      retention: ["No request was made", "The event was older than is kept before it could be delivered."],
      redirect: ["The endpoint has moved", "Redirects are not followed, because a signed event goes only where you sent it. Configure the new address, if it is yours."],
      400: ["The receiver did not understand the request", "Often a parser that expects other fields: compare the body with the event's schema."],
      401: ["The receiver wants credentials", "Add them as a header of the endpoint; or its check of the signature fails: look at the signature box of the attempt."],
      403: ["The receiver refuses the request", "A firewall, a bot filter, a CSRF check, or a wrong signing secret. Let this route pass without a session and check the signature instead."],
      404: ["There is nothing at this URL", "The path may be mistyped, or the route is not deployed. Correct the URL or the receiver."],
      405: ["The URL does not take POST", "The route exists for another method: add POST, or correct the path."],
      408: ["The receiver waited too long for the body", "Something between may be slow or cut the request off."],
      410: ["The receiver says it is gone for good", "The endpoint was disabled. Enable it again when the receiver is back, then replay."],
      413: ["The body is too large for the receiver", "Raise its limit: an event with a message may be some hundred KiB."],
      415: ["The receiver does not take JSON here", "Events are application/json: let the route parse that."],
      422: ["The receiver refused the event's content", "Compare its answer below with the event's schema."],
      429: ["The receiver wants fewer requests", "We slow down by ourselves, and heed Retry-After. Lower the endpoint's concurrency if it goes on."],
      500: ["The receiver failed", "It is an error in the receiver: its log at this time tells more. Its answer may, too."],
      502: ["The proxy did not reach the receiver", "The application behind it is down or restarting."],
      503: ["The receiver is not available", "Overloaded, restarting or in maintenance. It is tried again by itself; Retry-After is heeded."],
      504: ["The receiver was too slow for its proxy", "Answer 2xx as soon as the event is stored and do the work afterwards."],
      "3xx": ["Not an answer that counts", "Only 2xx is delivered."],
      "4xx": ["The receiver refused the request", "Only 2xx counts as delivered; its answer may tell why."],
      "5xx": ["The receiver failed", "It is an error in the receiver or before it; its answer and its log may tell more."],
      other: ["It did not succeed", "Only an answer with 2xx counts as delivered."],
    },
    page: "The answer is an HTML page, and not what an application would say: it may come from a proxy, a login page or a firewall in front of the receiver.",
    pageTaken: "It was taken, but by an HTML page: see that the URL is the receiver's, and not a website's.", pageTitle: "Is this the right URL?",
    moveTo: (url) => `Send to ${url} from now on`, open: "Open it for this endpoint", changed: "The endpoint is changed. Replay what failed.",
    sure: "This changes the endpoint at once, for all its events, and is written to the audit log.", doChange: "Change the endpoint",
    mayNot: "Somebody who may change endpoints can send this.",
    headline: (n, said, to) => `Attempt ${n} at ${to}: ${said}`, code: (status) => `answered ${status}`,
    decided: "What was decided", request: "Request", response: "Answer", headers: "Headers", body: "Body", none: "No request was made.",
    noAnswer: "There was no answer.", gone: "Retention has removed the event.", timings: "Where the time went", facts: "About this attempt",
    phases: { wait: "free connection", dns: "DNS", connect: "connect", tls: "TLS", first_byte: "first byte", rest: "reading", silent: "no answer", total: "total" },
    reused: "An open connection was used again: no DNS, connect and TLS.", opened: "A new connection was opened.", noneMade: "Nothing was connected to.",
    title: {
      delivery: "Delivery", endpoint: "Endpoint", event: "Event", at: "Started", attempt: "Attempt", address: "Address", connection: "Connection",
      tls: "TLS", certificate: "Certificate", expires: "Expires", trigger: "Trigger", id: "Id", ms: "Duration", code: "Answer", body: "Answer's body",
    },
    triggers: { first: "the event itself", retry: "retry by schedule", replay: "replay by hand", test: "test event" },
    connection: { reused: "used again", opened: "opened for it" },
    curl: "Copy as curl", curlNote: "Sends the very same request. Headers of your own are shortened here: put the whole value in.",
    signature: "Signature", signed: "The signed string: id, time and body, with dots between", signedBy: "Signed with",
    unsigned: "This request was not signed.", snippet: "How a receiver verifies it", languages: "Language",
    verify: "Check it with the endpoint's secrets", fits: (n) => (n ? `Right: an older secret of the endpoint signed it, until ${n}.` : "Right: the endpoint's present secret signed it."),
    fitsNot: "None of the endpoint's present secrets signed it: the secret was rotated since, or the event has changed.",
    many: (n) => `${n} signatures: the secret was being rotated, and any of them is enough.`,
    insecure: "Browsers compute signatures over https or on localhost only.",
    secretHint: "RINGBACK_SECRET is the endpoint's signing secret, whsec_…",
    compare: (n) => `Compared with attempt ${n}`, same: (what) => `The same in both: ${what}.`, now: "This one", before: (n) => `Attempt ${n}`,
    prev: "Previous", next: "Next", delivery: "All attempts",
  },

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
