/** Page views, counted once each in whatever way the page came to be seen, and how they end. */

import { clean, pageOf } from './address.js';
import { hurry, queue, send } from './delivery.js';
import { emit, here } from './events.js';
import { close } from './messages.js';
import { consent } from './storage.js';
import { data, guard, listen } from './tag.js';

/** The view that is open: its address and page, when it was last shown (0 while it is hidden), how far it was seen. */
export let address;
let since;
let depth;

export const view = (metadata, title, url = here()) => {
  leave();
  const referrer = address || (document.referrer && clean(document.referrer));
  address = clean(url);
  since = !document.hidden && Date.now();
  depth = scrollY;
  emit('page_view', metadata, { url, title, referrer });
};

/** Says how long the open view was visible since it was last shown, and how far down it was seen, in percent. */
const leave = () => {
  if (!since) return;
  const seconds = Math.round((Date.now() - since) / 1e3);
  const scroll = Math.round(((depth + innerHeight) / document.documentElement.scrollHeight) * 100);
  since = 0;
  emit('page_leave', { seconds, scroll }, { url: address });
};

/** The first automatic view once somebody sees the page, and one for each other page of a router. */
export const look = () => {
  if (data.auto === 'off' || (address ? data.spa === 'off' || pageOf(here()) === pageOf(address) : document.hidden)) return;
  close();
  view();
};

/** The page may be gone in a moment; what is stored outlives it. */
const part = () => {
  leave();
  while (consent === 'granted' && queue[0]) send();
};

export const watchViews = () => {
  listen({
    visibilitychange() {
      if (document.hidden) return part();
      if (!address) look();
      since ||= Date.now();
    },
    pagehide: part,
    pageshow(event) {
      // The page came back as it was left: a new view of it.
      if (event.persisted) look((address = since = 0));
    },
    scroll: () => (depth = Math.max(depth, scrollY)),
    online: hurry,
  });
  if (window.navigation) listen({ currententrychange: look }, navigation);
  else setInterval(guard(look), 99);
};
