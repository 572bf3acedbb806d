/** The commands of the snippet: `leadtrail(command, …)`. See docs/snippet.md. */

/** An amount in minor units (cents) of a currency, e.g. `{amount: 4900, currency: 'eur'}`. */
export interface Money {
  amount: number;
  currency: string;
}

/** A link with a text. */
export interface RichLink {
  url: string;
  value: string | number;
}

/**
 * What an event says of itself: flat, at most 20 keys. A date is a `Date` or Unix seconds, under a key that ends in
 * `_date` or `_at`. A text that begins with `http://` or `https://` is a link.
 */
export type Metadata = Record<string, string | number | boolean | null | undefined | Date | Money | RichLink>;

/** Who the visitor is. Without `user_hash` or `user_jwt` nothing of it is proved, and the visitor becomes a lead. */
export interface Traits {
  user_id?: string | number;
  email?: string;
  name?: string;
  /** hex(HMAC-SHA256(site secret, user_id)), made on your server. */
  user_hash?: string;
  /** An HS256 JWT that carries `user_id`, made on your server. */
  user_jwt?: string;
  [attribute: string]: string | number | boolean | null | undefined | Date;
}

/** A message as the server answers it. */
export interface Message {
  id: string;
  style: 'note' | 'banner' | 'modal';
  title?: string;
  body?: string;
  from?: { name?: string };
  button?: { label?: string; url: string };
  /** Seconds to wait before it is shown. */
  after?: number;
  /** The page that it is for. */
  path?: string;
}

export interface Leadtrail {
  /** A page view, where `data-auto="off"` or for a page without an address of its own. */
  (command: 'page', view?: { url?: string; title?: string } & Metadata): void;
  /** An event. `id` makes a repeat harmless: 1 to 64 of `A-Z a-z 0-9 _ -`. */
  (command: 'track', name: string, metadata?: Metadata, options?: { id?: string }): void;
  (command: 'identify', traits: Traits): void;
  /** The visitor signed out: whoever comes next at this browser is somebody else. */
  (command: 'reset'): void;
  (command: 'consent', answer: 'granted' | 'denied' | 'pending'): void;
  /** An attempt at a form failed. The form, or its name; names of fields and reasons, never values. */
  (
    command: 'formError',
    form: HTMLFormElement | string,
    failure?: { fields?: { name: string; reason?: string }[] },
  ): void;
  /** Metadata for every event from now on. */
  (command: 'set', metadata: Metadata): void;
  /** The server knows this visitor; `visitor` is the public visitor id. Asked late, it is told at once. */
  (command: 'on', name: 'ready', listener: (who: { visitor: string }) => void): void;
  /** A message is about to be shown. Return false to show it yourself. */
  (command: 'on', name: 'message', listener: (message: Message) => boolean | void): void;
  (command: 'on', name: 'shown' | 'clicked' | 'dismissed', listener: (message: Message) => void): void;
  /** Send now what waits. */
  (command: 'flush'): void;
}

declare global {
  const leadtrail: Leadtrail;
  interface Window {
    leadtrail: Leadtrail;
  }
}
