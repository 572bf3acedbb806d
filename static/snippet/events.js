/** Events: made, numbered, and stored until the server has confirmed them. */

import { clean } from './address.js';
import { queue, schedule } from './delivery.js';
import { consent, forget, keep, names } from './storage.js';
import { guard, key } from './tag.js';
import { address, look } from './views.js';

/** JSON that a `toJSON` which the page has put on built-in prototypes cannot spoil. A Date becomes Unix seconds. */
export const json = (value) =>
  JSON.stringify(value, function (name) {
    const own = this[name];
    return own instanceof Date ? Math.floor(own / 1e3) : own;
  });

const hex = (number) => number.toString(16).slice(1);
let made = 0;

/** Metadata of every event. */
export const defaults = {};

/** When and where the call was made that is being replayed. */
let calledAt;
let calledFrom;

/** Calls `f(...arguments)` for a call: [time, URL, arguments], as the stub keeps them, or bare arguments. */
export const replay = (call, f) => {
  if (call[0] > 0) [calledAt, calledFrom, call] = call;
  guard(f)(...call);
  calledAt = calledFrom = 0;
};

export const here = () => calledFrom || location.href;

/** Stores an event, to be sent at the end of this task. */
export const emit = (name, metadata, fields) => {
  if (consent === 'denied') return;
  // Nothing happens before the first view.
  if (!address) look();
  const event = { at: calledAt || Date.now(), url: here(), ...fields };
  // A UUIDv7; a counter keeps those of one millisecond in order.
  const id =
    hex(2 ** 48 + event.at).replace(/.{8}/, '$&-') +
    '-7' +
    hex(4096 + (made++ % 4096)) +
    hex(2n ** 64n + crypto.getRandomValues(new BigUint64Array(1))[0]).replace(/.(...)/, '-a$1-');
  const place = `${key}.${event.at}.${id}`;
  keep(place, json({ id, name, ...event, url: clean(event.url), metadata: { ...defaults, ...metadata } }));
  queue.push(place);
  names('.').slice(0, -200).map(forget);
  schedule();
};
