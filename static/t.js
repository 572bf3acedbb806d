/**
 * The snippet: records page views and whatever the page tracks, and shows the messages that the server answers.
 * What a page may call is typed in t.d.ts; what is sent, and why, stands in docs/snippet.md.
 *
 * It never throws into the page, leaves no global but `leadtrail`, and needs nothing but the browser.
 * `scripts/build-snippet` makes t.min.js of it and puts message.css in the place of MESSAGE_CSS.
 *
 * @typedef {{id: string, style?: 'note'|'banner'|'modal', title?: string, body?: string, from?: {name?: string},
 *            button?: {label?: string, url?: string}, after?: number, path?: string}} Message
 */
(() => {
  const script = document.currentScript || document.querySelector('script[data-site]');
  const stub = window.leadtrail;
  if (!script || stub?.loaded) return;

  const data = script.dataset;
  const { site } = data;
  const host = (data.host || new URL('.', script.src).href).replace(/\/$/, '');
  const key = 'leadtrail.' + site;

  /** Calls that wait: [time, URL, arguments], as the stub keeps them, or bare arguments. */
  const calls = stub?.q || [];
  const push = (call) => {
    calls.push(call);
    replay();
  };
  const api = function () {
    push([Date.now(), location.href, arguments]);
  };
  api.loaded = 1;
  api.q = { push };
  window.leadtrail = api;

  /** `f`, but what goes wrong in it stays in it. */
  const guard =
    (f) =>
    (...args) => {
      try {
        return f(...args);
      } catch {}
    };
  const listen = (target, type, f) => target.addEventListener(type, guard(f), true);

  // ---- consent, and where things are kept ------------------------------------------------------------------------

  const refused = navigator.globalPrivacyControl && data.gpc !== 'ignore';
  let consent;
  /**
   * The site's storage, or an object while it may not or cannot be used. `key` holds the visitor's token where no cookie
   * can travel, and otherwise a 1. Each event that no answer has confirmed has a place of its own, `key.<time>.<id>`, so
   * that tabs never write over each other.
   */
  let disk = {};

  const events = () => names(key + '.').sort();
  const names = (start) => Object.keys(disk).filter((name) => name.startsWith(start));
  const forget = (name) => delete disk[name];

  function keep(name, text) {
    try {
      disk[name] = text;
    } catch {
      disk = { [key]: disk[key], [name]: text };
    }
  }

  function setConsent(answer) {
    if (refused) answer = 'denied';
    if (consent === answer) return;
    if (answer === 'granted') guard(() => (disk = Object.assign(localStorage, disk)))();
    if (answer === 'denied') {
      guard(() => (disk = localStorage))();
      names(key).forEach(forget);
      disk = {};
      mine.clear();
      forgetMessages();
      // A page that begins with this answer has said nothing before.
      if (consent) request({ consent: answer }).catch(() => {});
    }
    consent = answer;
    schedule();
  }

  // ---- what is sent ----------------------------------------------------------------------------------------------

  // The same names as in server/people/page.py, which redacts again.
  const SECRET =
    /^(((access|auth|id|refresh|user)_)?token|api_?key|auth(orization)?|client_secret|(verification_)?code|credentials?|e-?mail|jwt|key|mail|magic|mobile|nonce|otp|pass(code|wd|word)?|phone|pin|pwd|secret|session(_?id)?|sid|sig(nature)?|ssn|state|tel|ticket)$/;

  const decode = (text) => guard(decodeURIComponent)(text) || text;

  /** The absolute URL without secrets and, unless the site routes by it, the fragment. At most 2,048 characters. */
  function clean(url) {
    url = new URL(url, location.href).href.replace(/([?&]([^=&#?]+)=)[^&#]*/g, (pair, start, name) => {
      name = decode(name).toLowerCase();
      return SECRET.test(name) || ('' + data.redact).split(/[ ,]+/).includes(name) ? start + 'redacted' : pair;
    });
    if (data.spa !== 'hash') url = url.split('#')[0];
    return url.length > 2048 ? url.split('?')[0].slice(0, 2048) : url;
  }

  /** What the server calls the page, as far as a comparison needs: no query, no trailing slash, decoded. */
  function pathOf(url) {
    const { pathname, hash } = new URL(url, location.href);
    return decode((pathname.replace(/\/+$/, '') || '/') + (data.spa === 'hash' ? (/^#!?\/[^?]*/.exec(hash) || '') : ''));
  }

  /** JSON that a `toJSON` which the page has put on built-in prototypes cannot spoil. A Date becomes Unix seconds. */
  const json = (value) =>
    JSON.stringify(value, function (name) {
      const own = this[name];
      return own instanceof Date ? Math.floor(own / 1e3) : own;
    });

  let made = 4096;

  /** A UUIDv7 for an event that happened at `at`; a counter keeps those of one millisecond in order. */
  function eventId(at) {
    const hex = at.toString(16).padStart(12, '0') + '-7' + (made++).toString(16).slice(-3) + '-8000-100000000000';
    const random = (digit) => digit ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (digit / 4)));
    return hex.slice(0, 8) + '-' + hex.slice(8, 18) + hex.slice(18).replace(/[018]/g, (d) => random(d).toString(16));
  }

  let defaults = {};
  /** When and where the call was made that is being replayed. */
  let calledAt;
  let calledFrom;
  /** Stores the view that is waiting for its title: a router sets it after it has changed the address. */
  let settleView;
  /** The places of events that this page will send or is sending (true), and no answer has confirmed. */
  const mine = new Map();

  /** Stores an event, to be sent at the end of this task, and returns its place. */
  function emit(name, metadata, fields) {
    if (consent === 'denied') return;
    settle();
    const event = { name, at: calledAt || Date.now(), url: calledFrom || location.href, ...fields };
    const id = eventId(event.at);
    const text = json({ id, ...event, url: clean(event.url), metadata: { ...defaults, ...metadata } });
    // 32 KiB is what the server takes; with it, what is kept stays under 256 kB.
    if (text.length > 32768) return;
    const others = events();
    while (others.length > 199 || others.map((place) => disk[place]).join('').length > 22e4) forget(others.shift());
    const place = [key, event.at, id].join('.');
    mine.set(place, false);
    keep(place, text);
    schedule();
    return place;
  }

  function settle() {
    const store = settleView;
    settleView = 0;
    if (store) store();
  }

  // ---- delivery: one batch at a time, by one tab at a time -------------------------------------------------------

  const ending = (name) => name.split('.').slice(-2).join('.');
  const foreign =
    data.cookies === 'off' || !navigator.cookieEnabled || ending(location.hostname) !== ending(new URL(host).hostname);

  let busy;
  /** Whether something came while it was busy. */
  let again;
  let timer;
  let failures = 0;
  let limit = 100;

  function schedule(delay) {
    if (!timer && consent === 'granted') timer = setTimeout(deliver, delay);
  }

  function hurry() {
    timer = clearTimeout(timer);
    schedule();
  }

  /** Resolves to [status, answer, seconds to wait]; rejects when there was no answer. */
  async function request(head, texts) {
    const body = json({ site, ...head }).slice(0, -1) + (texts ? ',"events":[' + texts + ']}' : '}');
    const response = await fetch(host + '/e', {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body,
      // Browsers refuse to keep more than 64 KiB alive; a character is at most three bytes.
      keepalive: body.length < 21e3,
      credentials: foreign ? 'omit' : 'include',
      signal: AbortSignal.timeout?.(1e4),
    });
    const { status, headers } = response;
    const text = await response.text();
    return [status, status === 200 && JSON.parse(text), headers.get('retry-after')];
  }

  /** Sends one batch and settles it: confirmed, dropped, or left for the next try. Resolves to whether to go on. */
  async function send(onlyMine) {
    const batch = [];
    let size = 0;
    settle();
    for (const place of events()) {
      const age = Date.now() - place.substr(key.length + 1, 13);
      if (age > 864e5) forget(place);
      // Another tab's event is left to it for a while, since the answer is for its page.
      else if (mine.has(place) ? !mine.get(place) : !onlyMine && age > 5e3) {
        size += disk[place].length;
        if (batch.length && (size > 2e4 || batch.length >= limit)) break;
        batch.push(place);
        mine.set(place, true);
      }
    }
    if (!batch.length) return;
    const asked = epoch;
    const [status, answer, after] = await request(
      {
        sent_at: Date.now(),
        visitor: foreign ? disk[key] : undefined,
        webdriver: (navigator.webdriver && data.bots !== 'allow') || undefined,
      },
      batch.map((place) => disk[place]),
    ).catch(() => []);
    batch.forEach((place) => mine.set(place, false));
    if (status === 413 && batch.length > 1) limit = 1;
    else if (!status || status === 408 || status === 429 || status > 499) {
      // Full jitter: any time between now and the end of a window that doubles up to a minute.
      schedule(Math.max(Math.random() * Math.min(6e4, 1e3 * 2 ** failures++), Math.min(after, 300) * 1e3));
      return;
    } else {
      failures = 0;
      batch.forEach((place) => {
        forget(place);
        mine.delete(place);
      });
      if (consent === 'granted') guard(accept)(answer, asked);
    }
    return true;
  }

  async function deliver() {
    timer = 0;
    again = busy;
    if (busy || consent !== 'granted') return;
    busy = true;
    // Without the lock, another tab is at what is left over.
    const work = async (lock) => {
      while (await send(lock === null));
    };
    try {
      // Until the visitor is known, tabs wait for each other: the first answer brings the cookie for all.
      await navigator.locks.request(key, { ifAvailable: !!disk[key] }, work);
    } catch {
      await work();
    }
    busy = false;
    if (again) schedule();
  }

  function accept({ visitor: token, messages }, asked) {
    if (token) {
      keep(key, foreign ? token : 1);
      visitor = { visitor: token.split('.')[0] };
      tell('ready', visitor);
      delete hooks.ready;
    }
    if (asked === epoch && data.messages !== 'off') messages?.forEach(guard(plan));
  }

  // ---- page views ------------------------------------------------------------------------------------------------

  const automatic = data.auto !== 'off';
  /** The view that is open. `since` is when it was last shown, or 0 while it is hidden. */
  let page;
  const hidden = () => document.hidden;

  function view(metadata, title, url = calledFrom || location.href) {
    leave();
    settle();
    const last = page?.url;
    page = { url: clean(url), path: pathOf(url), since: hidden() ? 0 : performance.now(), scroll: scrollY };
    const referrer = last && last !== page.url ? last : document.referrer && clean(document.referrer);
    const fields = { at: calledAt || Date.now(), url: page.url, referrer: referrer || undefined };
    settleView = () => emit('page_view', metadata, { ...fields, title: title || document.title });
    schedule();
  }

  /** Says how long the open view was visible since it was last shown, and how far down it was seen, in percent. */
  function leave() {
    if (!page?.since) return;
    const seconds = Math.round((performance.now() - page.since) / 1e3);
    const scroll = Math.round(((page.scroll + innerHeight) / document.documentElement.scrollHeight) * 100);
    page.since = 0;
    emit('page_leave', { seconds, scroll: Math.min(100, scroll) }, { url: page.url });
  }

  /** The first automatic view, once somebody sees the page. */
  function start() {
    if (automatic && !page && !hidden()) view();
  }

  function navigated() {
    if (!page || !automatic || data.spa === 'off') return;
    const moved = data.spa === 'query' ? clean(location.href) !== page.url : pathOf(location.href) !== page.path;
    if (!moved) return;
    close();
    view();
  }

  /** The page may be gone in a moment; what is stored outlives it. */
  function part() {
    leave();
    if (consent === 'granted') send(true);
  }

  function watch() {
    listen(document, 'visibilitychange', () => {
      if (hidden()) return part();
      start();
      if (page && !page.since) page.since = performance.now();
      showNext();
    });
    listen(window, 'pagehide', part);
    listen(window, 'pageshow', ({ persisted }) => {
      if (!persisted || !automatic) return;
      page.since = 0;
      view();
    });
    listen(window, 'scroll', () => {
      page.scroll = Math.max(page.scroll, scrollY);
    });
    listen(window, 'online', hurry);
    listen(document, 'keydown', (event) => {
      if (event.key === 'Escape') open.dismiss();
    });
    if (window.navigation) listen(navigation, 'currententrychange', navigated);
    else {
      listen(window, 'popstate', navigated);
      for (const name of ['pushState', 'replaceState']) {
        const original = history[name];
        history[name] = function () {
          original.apply(this, arguments);
          guard(navigated)();
        };
      }
    }
  }

  // ---- messages --------------------------------------------------------------------------------------------------

  const hooks = {};
  let visitor;
  /** Ids of messages that are planned (1), or the place of the report that they were shown. */
  const told = new Map();
  let planned = [];
  let open;
  /** Counts resets: what was asked before one is not shown after it. */
  let epoch = 0;

  /** Whether no listener of the page objected. */
  const tell = (name, message) => !hooks[name]?.filter((f) => guard(f)(message) === false).length;

  function forgetMessages() {
    epoch++;
    planned = [];
    told.clear();
    close();
  }

  function plan(message) {
    const { id, after } = message;
    const asked = epoch;
    if (told.get(id) === 1 || mine.has(told.get(id))) return;
    told.set(id, 1);
    setTimeout(
      guard(() => {
        if (asked === epoch) planned.push(message);
        showNext();
      }),
      after * 1e3,
    );
  }

  function showNext() {
    while (!open && !hidden() && planned.length) {
      const message = planned.shift();
      told.delete(message.id);
      if ((!message.path || decode(message.path) === page.path) && tell('message', message)) show(message);
    }
  }

  function close() {
    const { host, box } = open || {};
    open = 0;
    // A dialog gives the focus back when it is closed.
    box?.close?.();
    host?.remove();
  }

  function report(what, message) {
    tell(what, message);
    return emit('message_' + what, { message: message.id });
  }

  const add = (parent, tag, properties) =>
    parent.appendChild(Object.assign(document.createElement(tag), properties));

  function show(message) {
    const { style, title, body, from, button } = message;
    const modal = style === 'modal';
    const sender = from?.name;
    const host = document.createElement('leadtrail-message');
    const root = host.attachShadow({ mode: 'open' });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(MESSAGE_CSS);
    root.adoptedStyleSheets = [sheet];
    const box = add(root, modal ? 'dialog' : 'div', {
      className: 'box ' + style,
      role: 'dialog',
      ariaLabel: title || sender || site,
      ariaModal: modal,
      closedBy: 'any',
    });
    const dismiss = () => {
      if (open?.host !== host) return;
      close();
      report('dismissed', message);
      showNext();
    };
    if (sender) add(box, 'div', { className: 'from', title: [...sender][0], textContent: sender });
    const text = add(box, 'div', { className: 'text' });
    if (title) add(text, 'div', { className: 'title', textContent: title });
    if (body) add(text, 'div', { className: 'body', textContent: body });
    const link = guard(() => new URL(button.url, location.href))();
    if (/^https?:$/.test(link?.protocol)) {
      listen(add(box, 'a', { href: link.href, textContent: button.label || link.href }), 'click', () => {
        report('clicked', message);
        // Only after the click has followed the link.
        setTimeout(close);
      });
    }
    listen(add(box, 'button', { ariaLabel: 'Close', textContent: '×' }), 'click', dismiss);
    open = { host, box, dismiss };
    document.documentElement.append(host);
    if (modal) {
      listen(box, 'close', dismiss);
      box.showModal();
    }
    told.set(message.id, report('shown', message));
  }

  // ---- commands --------------------------------------------------------------------------------------------------

  const commands = {
    page({ url, title, ...metadata } = {}) {
      view(metadata, title, url);
    },
    track(name, metadata, { id } = {}) {
      emit('' + name, metadata, id && { id });
    },
    identify(traits) {
      emit('identify', {}, { traits });
    },
    reset() {
      emit('reset');
      forgetMessages();
    },
    consent: setConsent,
    set(metadata) {
      Object.assign(defaults, metadata);
    },
    on(name, listener) {
      if (name === 'ready' && visitor) listener(visitor);
      else (hooks[name] = hooks[name] || []).push(listener);
    },
    flush: hurry,
  };

  let running;

  function replay() {
    while (running && calls.length) {
      const call = calls.shift();
      const [name, ...args] = call[0] > 0 ? call[2] : call;
      if (call[0] > 0) [calledAt, calledFrom] = call;
      // Settings that the page made first hold for the first view as well.
      if (!/^(consent|set|on)$/.test(name)) guard(start)();
      guard(commands[name])(...args);
      calledAt = calledFrom = 0;
    }
  }

  const begin = guard(() => {
    running = true;
    setConsent(data.consent || 'granted');
    watch();
    replay();
    start();
    navigated();
    // What other pages left behind has come of age by then.
    setTimeout(schedule, 6e3);
  });
  if (document.prerendering) listen(document, 'prerenderingchange', begin);
  else begin();
})();
