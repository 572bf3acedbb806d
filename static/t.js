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
  if (!script || (stub && stub.loaded)) return;

  const data = script.dataset;
  const { site } = data;
  const host = (data.host || new URL('.', script.src).href).replace(/\/$/, '');
  const key = 'leadtrail.' + site;

  /** Calls that wait: [time, URL, arguments], as the stub keeps them, or bare arguments. */
  const calls = (stub && stub.q) || [];
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

  /** A UUIDv7 for an event that happened at `at`. `crypto.randomUUID` is missing on http. */
  function eventId(at) {
    const hex = at.toString(16).padStart(12, '0');
    const random = (digit) => digit ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (digit / 4)));
    return (
      hex.slice(0, 8) + '-' + hex.slice(8) + '-7000-8000-100000000000'.replace(/[018]/g, (d) => random(d).toString(16))
    );
  }

  let defaults = {};
  /** The places of those events that this page made and no answer has confirmed. */
  const mine = new Set();

  /** Stores an event, to be sent at the end of this task, and returns its place. */
  function emit(name, metadata, fields, at = Date.now(), url = location.href) {
    if (consent === 'denied') return;
    const id = eventId(at);
    const text = json({ id, name, at, url: clean(url), metadata: { ...defaults, ...metadata }, ...fields });
    const others = events();
    const size = () => others.reduce((sum, name) => sum + disk[name].length, text.length);
    while (others.length > 199 || (others.length && size() > 256e3)) forget(others.shift());
    const place = [key, at, id].join('.');
    mine.add(place);
    keep(place, text);
    schedule();
    return place;
  }

  // ---- delivery: one batch at a time, by one tab at a time -------------------------------------------------------

  const registrable = (name) => (/[^.]+\.((com?|net|org|gov|edu|ac)\.)?[a-z]+$/.exec(name) || [name])[0];
  const foreign =
    data.cookies === 'off' ||
    !navigator.cookieEnabled ||
    registrable(location.hostname) !== registrable(new URL(host).hostname);

  const flying = new Set();
  let busy;
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

  async function request(head, texts) {
    const abort = new AbortController();
    const timeout = setTimeout(() => abort.abort(), 1e4);
    const body = json({ site, ...head }).slice(0, -1) + (texts ? ',"events":[' + texts + ']}' : '}');
    const response = await fetch(host + '/e', {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body,
      // Browsers refuse to keep more than 64 KiB alive.
      keepalive: body.length < 6e4,
      credentials: foreign ? 'omit' : 'include',
      signal: abort.signal,
    });
    const answer = await response.text();
    clearTimeout(timeout);
    const { status, headers } = response;
    return { status, after: headers.get('retry-after'), answer: status === 200 && JSON.parse(answer) };
  }

  /** Sends one batch and settles it: confirmed, dropped, or left for the next try. Resolves to whether to go on. */
  async function send(onlyMine) {
    const batch = [];
    let size = 0;
    settleTitle();
    for (const place of events()) {
      const age = Date.now() - place.slice(key.length + 1).split('.')[0];
      if (age > 864e5) forget(place);
      // Another tab's event is left to it for a while, since the answer is for its page.
      else if (!flying.has(place) && (mine.has(place) || (!onlyMine && age > 5e3))) {
        size += new Blob([disk[place]]).size;
        if (batch.length && (size > 48e3 || batch.length >= limit)) break;
        batch.push(place);
        flying.add(place);
      }
    }
    if (!batch.length) return;
    const asked = epoch;
    const { status, after, answer } = await request(
      {
        sent_at: Date.now(),
        visitor: foreign ? disk[key] : undefined,
        webdriver: (navigator.webdriver && data.bots !== 'allow') || undefined,
      },
      batch.map((place) => disk[place]),
    ).catch(() => ({}));
    batch.forEach((place) => flying.delete(place));
    if (status === 413 && batch.length > 1) limit = batch.length >> 1;
    else if (!status || status === 408 || status === 429 || status > 499) {
      // Full jitter: any time between now and the end of a window that doubles up to a minute.
      schedule(Math.max(Math.random() * Math.min(6e4, 1e3 * 2 ** failures++), Math.min(after, 300) * 1e3));
      return;
    } else {
      failures = 0;
      limit = 100;
      batch.forEach((place) => {
        forget(place);
        mine.delete(place);
      });
      if (answer && consent === 'granted') accept(answer, asked);
    }
    return true;
  }

  async function deliver() {
    timer = 0;
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
    if (mine.size) schedule();
  }

  function accept({ visitor: token, messages }, asked) {
    if (token) {
      keep(key, foreign ? token : 1);
      visitor = { visitor: token.split('.')[0] };
      (hooks.ready || []).splice(0).forEach((listener) => guard(listener)(visitor));
    }
    if (asked === epoch && data.messages !== 'off') (messages || []).forEach(guard(plan));
  }

  // ---- page views ------------------------------------------------------------------------------------------------

  const automatic = data.auto !== 'off';
  /** The view that is open. `since` is when it was last shown, or 0 while it is hidden. */
  let page;
  let started;
  /** The place of a view that has no title yet: a router sets it after it has changed the address. */
  let untitled;

  const hidden = () => document.visibilityState === 'hidden';

  function settleTitle() {
    if (mine.has(untitled)) keep(untitled, json({ ...JSON.parse(disk[untitled]), title: document.title }));
    untitled = 0;
  }

  function view(metadata, title, at, url = location.href) {
    leave();
    settleTitle();
    const last = page && page.url;
    page = { url: clean(url), path: pathOf(url), since: hidden() ? 0 : performance.now(), scroll: scrollY };
    const referrer = last && last !== page.url ? last : document.referrer && clean(document.referrer);
    const place = emit('page_view', metadata, { title, referrer: referrer || undefined }, at, url);
    if (!title) untitled = place;
  }

  /** Says how long the open view was visible since it was last shown, and how far down it was seen, in percent. */
  function leave() {
    if (!page || !page.since) return;
    const seconds = Math.round((performance.now() - page.since) / 1e3);
    const scroll = Math.round(((page.scroll + innerHeight) / document.documentElement.scrollHeight) * 100);
    page.since = 0;
    emit('page_leave', { seconds, scroll: Math.min(100, scroll) }, {}, undefined, page.url);
  }

  /** The first automatic view, once somebody sees the page; `at` is when the first queued call was made. */
  function start(at) {
    if (started || hidden()) return;
    started = true;
    if (automatic) view({}, '', at);
  }

  function navigated() {
    if (!started || !automatic || data.spa === 'off') return;
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
      if (event.key === 'Escape' && open && !document.querySelector('dialog[open]')) open.dismiss();
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
  const tell = (name, message) => !(hooks[name] || []).filter((f) => guard(f)(message) === false).length;

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
    guard(() => box.close())();
    guard(() => host.remove())();
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
    const sender = from && from.name;
    const host = document.createElement('leadtrail-message');
    const root = host.attachShadow({ mode: 'open' });
    const css = MESSAGE_CSS;
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      root.adoptedStyleSheets = [sheet];
    } catch {
      add(root, 'style', { nonce: script.nonce, textContent: css });
    }
    const box = add(root, modal ? 'dialog' : 'div', {
      className: 'box ' + style,
      role: 'dialog',
      ariaLabel: title || sender || site,
      tabIndex: -1,
    });
    const dismiss = () => {
      if (!open) return;
      close();
      report('dismissed', message);
      showNext();
    };
    if (sender) add(box, 'div', { className: 'from', title: [...sender][0], textContent: sender });
    const text = add(box, 'div', { className: 'text' });
    if (title) add(text, 'div', { className: 'title', textContent: title });
    if (body) add(text, 'div', { className: 'body', textContent: body });
    const link = button && guard(() => new URL(button.url, location.href))();
    if (link && /^https?:$/.test(link.protocol)) {
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
      Object.assign(box, { ariaModal: true, closedBy: 'any' });
      listen(box, 'close', dismiss);
      box.showModal();
    }
    told.set(message.id, report('shown', message));
  }

  // ---- commands --------------------------------------------------------------------------------------------------

  const commands = {
    page(at, url, { url: to = url, title, ...metadata } = {}) {
      started = true;
      view(metadata, title, at, to);
    },
    track(at, url, name, metadata, { id } = {}) {
      emit('' + name, metadata, id && { id }, at, url);
    },
    identify(at, url, traits) {
      emit('identify', {}, { traits }, at, url);
    },
    reset(at, url) {
      emit('reset', {}, {}, at, url);
      forgetMessages();
    },
    consent: (at, url, answer) => setConsent(answer),
    set(at, url, metadata) {
      Object.assign(defaults, metadata);
    },
    on(at, url, name, listener) {
      if (name === 'ready' && visitor) listener(visitor);
      else (hooks[name] = hooks[name] || []).push(listener);
    },
    flush: hurry,
  };

  let running;

  function replay() {
    while (running && calls.length) {
      const call = calls.shift();
      const [at, url, [name, ...args]] = call[0] > 0 ? call : [, , call];
      // Settings that the page made first hold for the first view as well.
      if (!/^(consent|set|on)$/.test(name)) start(at);
      guard(commands[name])(at, url, ...args);
    }
  }

  const begin = guard(() => {
    running = true;
    setConsent(data.consent || 'granted');
    watch();
    replay();
    start();
    // What other pages left behind has come of age by then.
    setTimeout(schedule, 6e3);
  });
  if (document.prerendering) listen(document, 'prerenderingchange', begin);
  else begin();
})();
