/**
 * The snippet: records page views, failed forms and whatever the page tracks, and shows the messages that the server
 * answers. What a page may call is typed in t.d.ts; what is sent, and why, stands in docs/snippet.md.
 *
 * It never throws into the page, leaves no global but `leadtrail`, and needs nothing but the browser.
 * `scripts/build-snippet` makes t.min.js of it and puts message.css in the place of MESSAGE_CSS.
 */

import { watchClicks } from './snippet/clicks.js';
import { hurry, schedule } from './snippet/delivery.js';
import { defaults, emit, replay } from './snippet/events.js';
import { formError, watchForms } from './snippet/forms.js';
import { forgetMessages, on, watchMessages } from './snippet/messages.js';
import { setConsent } from './snippet/storage.js';
import { data, guard, later, listen, stub } from './snippet/tag.js';
import { look, view, watchViews } from './snippet/views.js';

const commands = {
  page: ({ url, title, ...metadata } = {}) => view(metadata, title, url),
  track: (name, metadata, options) => emit(name, metadata, options),
  identify: (traits) => emit('identify', {}, { traits }),
  reset: () => forgetMessages(emit('reset')),
  consent: setConsent,
  formError,
  set: (metadata) => Object.assign(defaults, metadata),
  on,
  flush: hurry,
};

const run = (call) => replay(call, (name, ...args) => commands[name](...args));

const begin = guard(() => {
  const calls = leadtrail.q;
  leadtrail.q = { push: run };
  setConsent(data.consent || 'granted');
  watchForms();
  watchClicks();
  watchViews();
  watchMessages();
  calls.map(run);
  look();
  // What other pages left behind has come of age by then.
  later(schedule, 6e3);
});

window.leadtrail = function () {
  leadtrail.q.push([Date.now(), location.href, arguments]);
};
leadtrail.loaded = 1;
leadtrail.q = stub?.q || [];
if (document.prerendering) listen({ prerenderingchange: begin });
else begin();
