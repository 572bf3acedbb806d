/** Where things are kept, and the visitor's consent to it. */

import { request, schedule } from './delivery.js';
import { forgetMessages } from './messages.js';
import { data, guard, key } from './tag.js';

/**
 * The site's storage, or an object while it may not or cannot be used. `key` holds the visitor's token where no cookie
 * can travel, and otherwise a 1. Each event that no answer has confirmed has a place of its own, `key.<time>.<id>`, so
 * that tabs never write over each other.
 */
export let disk = {};

/** The names of what is kept that go on so; oldest events first. */
export const names = (rest) =>
  Object.keys(disk)
    .filter((name) => name.startsWith(key + rest))
    .sort();

export const forget = (name) => delete disk[name];

/** What was kept as JSON, or nothing. */
export const read = (name) => guard(JSON.parse)(disk[name]);

export const keep = (name, text) => {
  try {
    disk[name] = text;
  } catch {
    disk = { [key]: disk[key], [name]: text };
  }
};

export let consent;

export const setConsent = (answer) => {
  if (navigator.globalPrivacyControl && !data.gpc) answer = 'denied';
  if (consent === answer) return;
  if (answer !== 'pending') guard(() => (disk = Object.assign(localStorage, disk)))();
  if (answer === 'denied') {
    names('').map(forget);
    disk = {};
    forgetMessages();
    // A page that begins with this answer has said nothing before.
    if (consent) request({ consent: answer });
  }
  consent = answer;
  schedule();
};
