/** Addresses: without secrets before they leave the browser, and as pages. */

import { data } from './tag.js';

// At least what server/people/page.py redacts again.
const SECRET =
  /token|secret|passw|credent|mail|session|key$|code$|^(auth(o.{8})?|jwt|magic|mobile|nonce|otp|pass|phone|pin|pwd|sid|sig(nature)?|ssn|state|tel|ticket)$/i;

/** The absolute URL without secrets and, unless the site routes by it, the fragment. At most 2,048 characters. */
export const clean = (url) =>
  new URL(url, location).href
    .replace(data.spa === 'hash' ? '' : /#.*/, '')
    .replace(/([?&]([^=&#?]+)=)[^&#]*/g, (pair, start, name) =>
      SECRET.test(name) || data.redact?.split(/\W+/).includes(name) ? start + 'redacted' : pair,
    )
    .slice(0, 2048);

/** What tells pages apart, by the form of `data-spa`; before a `?` it is what the server calls the page. */
export const pageOf = (url) => {
  url = new URL(url, location);
  return (
    (url.pathname.replace(/\/+$/, '') || '/') +
    ({ hash: url.hash.split('?')[0], query: url.search }[data.spa] || '')
  );
};
