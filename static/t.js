/**
 * The snippet: records page views and whatever the page tracks, and shows the messages that the server answers.
 * What a page may call is typed in t.d.ts; what is sent, and why, stands in docs/snippet.md.
 *
 * It never throws into the page, leaves no global but `leadtrail`, and needs nothing but the browser.
 * `scripts/build-snippet` makes t.min.js of it and puts message.css in the place of MESSAGE_CSS.
 *
 * @typedef {{id: string, name: string, at: number, url?: string, title?: string, referrer?: string,
 *            metadata?: object, traits?: object}} Event
 * @typedef {{id: string, style?: 'note'|'banner'|'modal', title?: string, body?: string, from?: {name?: string},
 *            button?: {label?: string, url?: string}, after?: number, path?: string}} Message
 */
(() => {
  const { document, navigator, location, history } = window;
  const script = document.currentScript || document.querySelector('script[data-site]');
  const data = script && script.dataset;
  const stub = window.leadtrail;
  if (!data || (stub && stub.loaded)) return;

  const { site } = data;
  const host = (data.host || new URL('.', script.src).href).replace(/\/$/, '');
  const key = 'leadtrail.' + site;

  /** Calls that wait: [time, URL, arguments], as the stub keeps them, or bare arguments. */
  const calls = (stub && stub.q) || [];
  const api = function () {
    calls.push([Date.now(), location.href, arguments]);
    replay();
  };
  api.loaded = 1;
  api.q = {
    push(call) {
      calls.push(call);
      replay();
    },
  };
  window.leadtrail = api;

  /** `f`, but what goes wrong in it stays in it. */
  const guard =
    (f) =>
    (...args) => {
      try {
        return f(...args);
      } catch {
        return undefined;
      }
    };
  const listen = (target, type, f) => target.addEventListener(type, guard(f), true);

  // ---- consent -----------------------------------------------------------------------------------------------

  let consent = data.consent || 'granted';
  if (navigator.globalPrivacyControl && data.gpc !== 'ignore') consent = 'refused';

  function setConsent(answer) {
    if (consent === 'refused' || consent === answer) return;
    consent = answer;
    if (answer === 'denied') {
      waiting = [];
      forgetMessages();
      guard(() => [key, key + '.q'].forEach((name) => localStorage.removeItem(name)))();
      request({ site, consent }).catch(() => {});
    }
    schedule();
  }

  // ---- what is sent ------------------------------------------------------------------------------------------

  // The same names as in server/people/page.py, which redacts again.
  const SECRET =
    /^(((access|auth|id|refresh|user)_)?token|api_?key|auth(orization)?|client_secret|(verification_)?code|credentials?|e-?mail|jwt|key|mail|magic|mobile|nonce|otp|pass(code|wd|word)?|phone|pin|pwd|secret|session(_?id)?|sid|sig(nature)?|ssn|state|tel|ticket)$/;
  const redacted = (data.redact || '').toLowerCase().split(/[\s,]+/);

  const decode = (text) => guard(() => decodeURIComponent(text))() || text;

  /** The absolute URL without secrets and, unless the site routes by it, the fragment. At most 2,048 characters. */
  function clean(url) {
    url = new URL(url, location.href).href;
    if (data.spa !== 'hash') url = url.replace(/#.*/, '');
    url = url.replace(/([?&]([^=&#?]+)=)[^&#]*/g, (pair, start, name) => {
      name = decode(name).toLowerCase();
      return SECRET.test(name) || redacted.includes(name) ? start + 'redacted' : pair;
    });
    return url.length > 2048 ? url.split('?')[0].slice(0, 2048) : url;
  }

  /** What the server calls the page, as far as a comparison needs: no query, no trailing slash, decoded. */
  function pathOf(url) {
    const { pathname, search, hash } = new URL(url, location.href);
    const route = data.spa === 'hash' ? (/^#!?\/[^?]*/.exec(hash) || [''])[0] : data.spa === 'query' ? search : '';
    return decode((pathname.replace(/\/+$/, '') || '/') + route);
  }

  /** JSON that a page's own `toJSON` on built-in prototypes cannot spoil. A Date becomes Unix seconds. */
  function json(value) {
    if (value instanceof Date) return json(Math.floor(value / 1e3));
    if (Array.isArray(value)) return '[' + value.map(json) + ']';
    if (!value || typeof value !== 'object') return JSON.stringify(value);
    const said = Object.keys(value).filter((name) => json(value[name]) !== undefined);
    return '{' + said.map((name) => JSON.stringify(name) + ':' + json(value[name])) + '}';
  }

  /** A UUIDv7 for an event that happened at `at`. */
  function eventId(at) {
    const random = crypto.getRandomValues(new Uint8Array(10));
    const hex = Array.from(random, (byte) => (byte + 256).toString(16).slice(1)).join('');
    return (at.toString(16).padStart(12, '0') + '7' + hex.slice(0, 3) + '89ab'[random[9] & 3] + hex.slice(3, 18)).replace(
      /(.{8})(.{4})(.{4})(.{4})/,
      '$1-$2-$3-$4-',
    );
  }

  let defaults = {};

  /** Queues an event. It is copied here, so that the page may go on changing what it passed. */
  function emit(name, fields, metadata, at = Date.now(), url = location.href) {
    if (consent === 'denied' || consent === 'refused') return;
    const id = eventId(at);
    waiting.push(
      JSON.parse(json({ id, name, at, url: clean(url), metadata: { ...defaults, ...metadata }, ...fields })),
    );
    if (waiting.length > 200) waiting.shift();
    schedule();
  }

  // ---- storage: events that no answer has confirmed yet, and the visitor's token where no cookie can travel ------

  const recent = (event) => event.at > Date.now() - 864e5;
  const without = (events, others) => {
    const ids = new Set(others.map((event) => event.id));
    return events.filter((event) => !ids.has(event.id));
  };

  const read = () => guard(() => JSON.parse(localStorage.getItem(key + '.q')).filter(recent))() || [];

  /** Whether storage now holds these events: at most 200 of them and 256 kB, the newest. */
  function write(events) {
    let text;
    events = events.slice(-200);
    while ((text = json(events)).length > 256e3) events.shift();
    return guard(() => {
      if (events.length) localStorage.setItem(key + '.q', text);
      else localStorage.removeItem(key + '.q');
      return true;
    })();
  }
  const keep = (events) => write([...without(read(), events), ...events]);

  // ---- delivery: one batch at a time, by one tab at a time -------------------------------------------------------

  const registrable = (name) => (/[^.]+\.((com?|net|org|gov|edu|ac)\.)?[a-z]+$/.exec(name) || [name])[0];
  const foreign =
    data.cookies === 'off' ||
    !navigator.cookieEnabled ||
    registrable(location.hostname) !== registrable(new URL(host).hostname);

  let waiting = [];
  let flying = [];
  let busy = false;
  let timer;
  let failures = 0;
  let limit = 100;
  let token;
  let visitor;

  function schedule(delay = 0) {
    if (!timer && consent === 'granted') timer = setTimeout(deliver, delay);
  }

  async function request(body) {
    const text = json(body);
    const abort = new AbortController();
    const timeout = setTimeout(() => abort.abort(), 1e4);
    try {
      const response = await fetch(host + '/e', {
        method: 'POST',
        headers: { 'content-type': 'text/plain' },
        body: text,
        // Browsers refuse keepalive bodies of more than 64 KiB.
        keepalive: text.length < 6e4,
        credentials: foreign ? 'omit' : 'include',
        signal: abort.signal,
      });
      const { status } = response;
      const answer = await response.text();
      return { status, after: response.headers.get('retry-after'), answer: status === 200 ? JSON.parse(answer) : {} };
    } finally {
      clearTimeout(timeout);
    }
  }

  /** Sends one batch of `events` and settles them: confirmed, dropped, or kept for the next try. */
  async function send(events) {
    const batch = [];
    let size = 0;
    for (const event of events) {
      size += new Blob([json(event)]).size;
      if (batch.length && (size > 48e3 || batch.length >= limit)) break;
      if (event.title === '') event.title = document.title;
      batch.push(event);
    }
    waiting = without(waiting, batch);
    if (!batch.length) return;
    flying = batch;
    const now = epoch;
    const known = (foreign && guard(() => localStorage.getItem(key))()) || token;
    const { status, after, answer } = await request({
      site,
      sent_at: Date.now(),
      visitor: foreign ? known : undefined,
      webdriver: (navigator.webdriver && data.bots !== 'allow') || undefined,
      events: batch,
    }).catch(() => ({}));
    flying = [];
    if (consent !== 'granted') return;
    if (status === 413 && batch.length > 1) {
      limit = batch.length >> 1;
      waiting = [...batch, ...waiting];
    } else if (!status || status === 408 || status === 429 || status >= 500) {
      if (keep([...batch, ...waiting])) waiting = [];
      else waiting = [...batch, ...waiting];
      // Full jitter: the next try falls anywhere between now and the end of a window that doubles to a minute.
      const pause = Math.random() * Math.min(6e4, 1e3 * 2 ** failures++);
      timer = clearTimeout(timer);
      schedule(Math.max(pause, Math.min(after || 0, 300) * 1e3));
      return;
    } else {
      failures = 0;
      limit = 100;
      if (read().length) write(without(read(), batch));
      batch.forEach(({ metadata }) => active.delete(metadata.message));
      if (answer) accept(answer, now);
    }
    return true;
  }

  async function deliver() {
    timer = 0;
    if (busy || consent !== 'granted') return;
    busy = true;
    // Without the lock another tab is sending what is stored; this one sends its own.
    const work = async (lock) => {
      while (await send(lock === null ? waiting : [...without(read(), waiting), ...waiting]));
    };
    // Until a visitor is known, tabs wait for each other: the first answer brings the cookie for all.
    const ifAvailable = !!guard(() => localStorage.getItem(key))();
    try {
      await navigator.locks.request(key, { ifAvailable }, work);
    } catch {
      await guard(work)();
    }
    busy = false;
    if (waiting.length) schedule();
  }

  function accept({ visitor: newToken, messages }, asked) {
    if (newToken) {
      token = newToken;
      guard(() => localStorage.setItem(key, foreign ? token : 1))();
      visitor = { visitor: token.split('.')[0] };
      (hooks.ready || []).splice(0).forEach((f) => guard(f)(visitor));
    }
    if (asked === epoch && data.messages !== 'off') (messages || []).forEach(guard(plan));
  }

  // ---- page views ------------------------------------------------------------------------------------------------

  const automatic = data.auto !== 'off';
  /** The view that is open: `since` is when it was last seen, or 0 while it is hidden. */
  let page;
  let started = false;

  const hidden = () => document.visibilityState === 'hidden';

  function view(fields, metadata, at, url = location.href) {
    leave();
    const last = page && page.url;
    page = { url: clean(url), path: pathOf(url), since: hidden() ? 0 : performance.now(), scroll: scrollY };
    const referrer = last && last !== page.url ? last : document.referrer && clean(document.referrer);
    // The title is read when the batch leaves: a router sets it after it has changed the address.
    emit('page_view', { title: '', referrer: referrer || undefined, ...fields }, metadata, at, url);
  }

  /** Says how long the open view was visible since it was last shown, and how far down it was seen, in percent. */
  function leave() {
    if (!page || !page.since) return;
    const seconds = Math.round((performance.now() - page.since) / 1e3);
    const height = document.documentElement.scrollHeight;
    const scroll = Math.min(100, Math.round(((page.scroll + innerHeight) / height) * 100)) || 0;
    page.since = 0;
    emit('page_leave', {}, { seconds, scroll }, undefined, page.url);
  }

  /** The first automatic view, once somebody sees the page; `at` is when the first queued call was made. */
  function start(at) {
    if (started || hidden()) return;
    started = true;
    if (automatic) view({}, {}, at);
  }

  function navigated() {
    if (!started || !automatic || data.spa === 'off' || !page || pathOf(location.href) === page.path) return;
    closeMessage();
    view();
  }

  function watch() {
    listen(document, 'visibilitychange', () => {
      if (hidden()) return part();
      start();
      if (page && !page.since) page.since = performance.now();
      showNext();
    });
    listen(window, 'pagehide', part);
    listen(window, 'pageshow', (event) => {
      if (!event.persisted || !automatic) return;
      page.since = 0;
      view();
    });
    listen(window, 'scroll', () => {
      if (page) page.scroll = Math.max(page.scroll, scrollY);
    });
    listen(window, 'online', () => {
      timer = clearTimeout(timer);
      schedule();
    });
    if (window.navigation) listen(window.navigation, 'currententrychange', navigated);
    else {
      listen(window, 'popstate', navigated);
      for (const name of ['pushState', 'replaceState']) {
        const original = history[name];
        history[name] = function () {
          const result = original.apply(this, arguments);
          guard(navigated)();
          return result;
        };
      }
    }
  }

  /** The page may be gone in a moment: everything unconfirmed is stored, and what is not under way is sent. */
  function part() {
    leave();
    if (consent !== 'granted') return;
    timer = clearTimeout(timer);
    keep([...flying, ...waiting]);
    send(waiting);
  }

  // ---- messages --------------------------------------------------------------------------------------------------

  const hooks = {};
  /** Ids of messages that are planned, or open, or whose showing the server has not confirmed. */
  const active = new Set();
  let planned = [];
  let open;
  let epoch = 0;

  /** Whether no listener of the page objected. */
  const tell = (name, message) => !(hooks[name] || []).filter((f) => guard(f)(message) === false).length;

  function forgetMessages() {
    epoch++;
    planned = [];
    active.clear();
    closeMessage();
  }

  function plan(message) {
    const { id, after } = message;
    if (active.has(id)) return;
    active.add(id);
    const asked = epoch;
    setTimeout(
      guard(() => {
        if (asked !== epoch) return;
        planned.push(message);
        showNext();
      }),
      (after || 0) * 1e3,
    );
  }

  function showNext() {
    while (!open && !hidden() && planned.length) {
      const message = planned.shift();
      if (message.path && page && decode(message.path) !== page.path.split('?')[0]) active.delete(message.id);
      else if (tell('message', message)) show(message);
    }
  }

  function closeMessage() {
    if (open) open.remove();
    open = undefined;
  }

  const report = (what, message) => {
    emit('message_' + what, {}, { message: message.id });
    tell(what, message);
  };

  const link = (url) => {
    const { protocol, href } = new URL(url, location.href);
    return /^https?:$/.test(protocol) && href;
  };

  function show(message) {
    const { style, title, body, from, button } = message;
    const modal = style === 'modal';
    const host = document.createElement('leadtrail-message');
    const root = host.attachShadow({ mode: 'open' });
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(MESSAGE_CSS);
      root.adoptedStyleSheets = [sheet];
    } catch {
      const sheet = add(root, 'style', '', MESSAGE_CSS);
      sheet.nonce = script.nonce;
    }
    const box = add(root, modal ? 'dialog' : 'div', 'box ' + style);
    box.setAttribute('role', 'dialog');
    box.tabIndex = -1;

    const sender = from && from.name;
    if (sender) add(box, 'div', 'from', sender).dataset.initial = [...sender][0];
    if (title) {
      add(box, 'div', 'title', title).id = 'title';
      box.setAttribute('aria-labelledby', 'title');
    } else box.setAttribute('aria-label', sender || site);
    if (body) add(box, 'div', 'body', body);
    const href = button && guard(link)(button.url);
    if (href) {
      const anchor = add(box, 'a', '', button.label);
      anchor.href = href;
      listen(anchor, 'click', () => {
        report('clicked', message);
        // Only after the click has followed the link.
        setTimeout(closeMessage);
      });
    }
    const close = add(box, 'button', '', '×');
    close.setAttribute('aria-label', /^pt/.test(document.documentElement.lang) ? 'Fechar' : 'Close');

    const dismiss = () => {
      closeMessage();
      document.removeEventListener('keydown', escape, true);
      report('dismissed', message);
      showNext();
    };
    const escape = guard((event) => {
      if (event.key === 'Escape' && open === host && (modal || !document.querySelector('dialog[open]'))) dismiss();
    });
    listen(close, 'click', dismiss);
    document.addEventListener('keydown', escape, true);

    open = host;
    document.documentElement.append(host);
    if (modal) {
      box.setAttribute('aria-modal', 'true');
      box.showModal();
      listen(box, 'click', (event) => event.target === box && outside(event, box) && dismiss());
    }
    report('shown', message);
  }

  function add(parent, tag, name, text) {
    const element = document.createElement(tag);
    if (name) element.className = name;
    if (text) element.textContent = text;
    parent.append(element);
    return element;
  }

  const outside = ({ clientX: x, clientY: y }, box) => {
    const { left, right, top, bottom } = box.getBoundingClientRect();
    return x < left || x > right || y < top || y > bottom;
  };

  // ---- commands --------------------------------------------------------------------------------------------------

  const commands = {
    page(at, url, { url: to = url, title = '', ...metadata } = {}) {
      started = true;
      view({ title }, metadata, at, to);
    },
    track(at, url, name, metadata, { id } = {}) {
      emit(String(name), id ? { id: String(id) } : {}, metadata, at, url);
    },
    identify(at, url, traits) {
      emit('identify', { traits }, {}, at, url);
    },
    reset(at, url) {
      emit('reset', {}, {}, at, url);
      forgetMessages();
    },
    consent: (at, url, answer) => setConsent(answer),
    set(at, url, metadata) {
      defaults = { ...defaults, ...metadata };
    },
    on(at, url, name, listener) {
      if (name === 'ready' && visitor) listener(visitor);
      else (hooks[name] = hooks[name] || []).push(listener);
    },
    flush() {
      timer = clearTimeout(timer);
      deliver();
    },
  };

  const SETTINGS = /^(consent|set|on)$/;
  let running = false;

  function replay() {
    while (running && calls.length) {
      const call = calls.shift();
      const [at, url, [name, ...args]] = typeof call[0] === 'number' ? call : [undefined, undefined, call];
      // Settings that were made first hold for the first view as well.
      if (!SETTINGS.test(name)) start(at);
      guard(commands[name])(at, url, ...args);
    }
  }

  const begin = guard(() => {
    running = true;
    watch();
    replay();
    start();
  });
  if (document.prerendering) document.addEventListener('prerenderingchange', begin, { once: true });
  else begin();
})();
