/** Delivery: one batch at a time, by one tab at a time, until the server has confirmed each event. */

import { json } from './events.js';
import { accept, epoch } from './messages.js';
import { consent, disk, forget, keep, names, read } from './storage.js';
import { collector, data, fetch, guard, key, later, site } from './tag.js';
import { address } from './views.js';

/** Whether no cookie can travel to the server. */
export const foreign =
  data.cookies === 'off' ||
  !navigator.cookieEnabled ||
  !collector.hostname.endsWith(location.hostname.split('.').slice(-2).join('.'));

/** The places of the events that this page will send. */
export const queue = [];

let timer;
let failures = 0;
let limit = 50;
/** Milliseconds to wait before the next try. */
let retry;

export const schedule = (delay) => {
  timer ||= consent === 'granted' && later(deliver, delay);
};

export const hurry = () => {
  timer = clearTimeout(timer);
  schedule();
};

/** Resolves to [status, answer, seconds to wait], or to nothing when there was no answer. */
export const request = async (content) => {
  try {
    const body = json({ site, ...content });
    const response = await fetch(collector, {
      method: 'POST',
      body,
      // Browsers refuse to keep more than 64 KiB alive; a character is at most three bytes.
      keepalive: body.length < 21e3,
      credentials: foreign ? 'omit' : 'include',
      signal: AbortSignal.timeout(1e4),
    });
    const text = await response.text();
    return [response.status, response.ok && JSON.parse(text), response.headers.get('retry-after')];
  } catch {
    return [];
  }
};

const eventAt = (place) => {
  const event = read(place) || {};
  // Only now, since a router sets the title after it has changed the address.
  if (event.url === address) event.title ||= document.title;
  return event;
};

/** Sends one batch and settles it: confirmed, dropped, or left for the next try. Resolves to whether to go on. */
export const send = async () => {
  const batch = queue.splice(0, limit);
  if (!batch[0]) return;
  const asked = epoch;
  const [status, answer, after] = await request({
    sent_at: Date.now(),
    visitor: foreign ? disk[key] : undefined,
    webdriver: navigator.webdriver && !data.bots,
    events: batch.map(eventAt),
  });
  const again =
    status === 413
      ? batch[1] && (limit = 1)
      : // No answer, a timeout, too many requests, or a server that failed: full jitter, any time between now and the end
        // of a window that doubles up to a minute.
        /^u|408|429|^5/.test(status) &&
        (retry = (Math.random() * Math.min(60, 2 ** failures++) + (Math.min(after, 300) || 0)) * 1e3);
  if (again) queue.unshift(...batch);
  else {
    failures = 0;
    batch.map(forget);
    guard(accept)(answer, asked);
  }
  return !retry;
};

const deliver = async () => {
  const work = async () => {
    names('.').map(adopt);
    while (await send());
  };
  retry = 0;
  try {
    // One tab after the other: the first answer to a new visitor brings the cookie for all.
    await navigator.locks.request(key, work);
  } catch {
    // Without locks, the tab begins that says so first.
    const turn = key + '!';
    if (!disk[key] && queue[0]) {
      keep(turn, disk[turn] || queue[0]);
      if (disk[turn] !== queue[0]) {
        forget(turn);
        return (timer = later(deliver, 2e3));
      }
    }
    await work();
  }
  timer = 0;
  if (queue[0]) schedule(retry);
};

/** Queues what another page left behind: after a while, since the answer to an event is for its own page. */
const adopt = (place) => {
  const age = Date.now() - place.split('.').at(-2);
  if (age > 9e7) forget(place);
  else if (age > 5e3 && !queue.includes(place)) queue.push(place);
};
