/**
 * Intercom's JavaScript API on top of the snippet: takes over `window.Intercom` and its queue, and says everything in the
 * snippet's own commands. docs/from-intercom.md tells what becomes of what.
 *
 * It is evaluated before the snippet, whose tag it prepares.
 */

/** The keys of the sites, the first of the configuration first: the server writes them in. */
const sites = SITES.split(' ');

/** Settings that say how Intercom's window behaves, and nothing about a person. */
const BEHAVIOUR =
  /^(app_id|api_base|region|widgetUrl|installation_type|custom_launcher_selector|alignment|(vertical|horizontal)_padding|z_index|hide_(default_launcher|notifications)|session_duration|(action|background|link)_color|theme_mode|messenger_style_id|page_title|last_request_at|auth_tokens|utm_\w+)$/;

/** Attributes in one event; the server takes 20, with who it is. */
const AT_ONCE = 12;

const tag = document.currentScript || document.getElementById('_intercom_npm_loader');
const before = window.Intercom;
/** Nothing yet, true, or false after a shutdown. */
let booted;
let visitor;
/** What was last said of the person, so that it is said once. */
let said;

const leadtrail = (...call) => window.leadtrail(...call);

/** The settings as traits: companies and pictures flat, what has another name here under it. */
const traitsOf = (settings) => {
  const traits = {};
  const add = (name, value) => {
    if (value == null || BEHAVIOUR.test(name)) return;
    if (name === 'intercom_user_jwt') traits.user_jwt = value;
    else if (name === 'created_at') traits.signed_up_at = value;
    else if (name === 'avatar') add('avatar_url', value.image_url);
    else if (name === 'companies') add('company', value[0]);
    else if (name === 'company') {
      for (const key in value) add('company_' + key.replace(/^company_/, ''), value[key]);
    } else traits[name] = value;
  };
  for (const name in settings) add(name, settings[name]);
  return traits;
};

/** Tells who it is, where that is news; in parts where there is much to tell. */
const identify = (settings) => {
  const traits = traitsOf(settings);
  const now = JSON.stringify(traits);
  if (now === '{}' || now === said) return;
  said = now;
  const { user_id, email, user_hash, user_jwt, ...rest } = traits;
  const names = Object.keys(rest);
  do {
    const part = { user_id, email, user_hash, user_jwt };
    for (const name of names.splice(0, AT_ONCE)) part[name] = rest[name];
    leadtrail('identify', part);
  } while (names[0]);
};

const methods = {
  boot(settings) {
    identify(settings || window.intercomSettings);
    if (booted) return;
    Intercom.booted = booted = true;
    leadtrail('page');
    for (const call of waiting.splice(0)) Intercom(...call);
  },
  update(settings) {
    if (booted === undefined) return methods.boot(settings);
    if (!booted) return;
    identify(settings);
    leadtrail('page');
  },
  shutdown() {
    if (!booted) return;
    Intercom.booted = booted = false;
    visitor = said = undefined;
    leadtrail('reset');
  },
  trackEvent(name, metadata) {
    if (booted) leadtrail('track', name, metadata);
    else if (booted === undefined) waiting.push(['trackEvent', name, metadata]);
  },
  getVisitorId: () => visitor,
  ready: (f) => leadtrail('on', 'ready', f),
};

/** Events that were tracked before anybody has booted. */
const waiting = [];

/** Intercom never throws into the page, and ignores what it does not know. */
const Intercom = function (method, ...args) {
  try {
    return Object.hasOwn(methods, method) ? methods[method](...args) : undefined;
  } catch {}
};

if (!before?.leadtrail) {
  Intercom.leadtrail = 1;
  Intercom.booted = false;
  window.Intercom = Intercom;
  const { dataset } = tag;
  const { app_id } = window.intercomSettings || before?.q?.[0]?.[1] || {};
  dataset.site ||= new URL(tag.src).searchParams.get('site') || (sites.includes(app_id) ? app_id : sites[0]);
  // Views are what boot and update say, as with Intercom.
  dataset.auto ||= 'off';
  window.leadtrail ||= function () {
    window.leadtrail.q.push([Date.now(), location.href, arguments]);
  };
  window.leadtrail.q ||= [];
  leadtrail('on', 'ready', (who) => (visitor = who.visitor));
  if (window.intercomSettings?.app_id) methods.boot();
  for (const call of before?.q || []) Intercom(...call);
}
