/**
 * Messages: shown one at a time on the page that they were answered for, apart from the page's own styles, and what
 * becomes of them reported.
 *
 * @typedef {{id: string, style?: 'note'|'banner'|'modal', title?: string, body?: string, from?: {name?: string},
 *            button?: {label?: string, url?: string}, after?: number, path?: string}} Message
 */

import { pageOf } from './address.js';
import { foreign } from './delivery.js';
import { emit } from './events.js';
import { keep } from './storage.js';
import { data, guard, key, later, listen, site } from './tag.js';
import { address } from './views.js';

const hooks = {};
let visitor;
/** The dialog that is shown. */
let shown;
/** Counts resets: what was asked before one is not shown after it. */
export let epoch = 0;

/** Whether no listener of the page objected. */
const tell = (name, message) => !hooks[name]?.map((f) => guard(f)(message)).includes(false);

export const on = (name, listener) => {
  if (name === 'ready' && visitor) listener(visitor);
  else (hooks[name] ||= []).push(listener);
};

/** What the server answered in an epoch. */
export const accept = (answer, asked) => {
  const token = answer.visitor;
  if (token) {
    keep(key, foreign ? token : 1);
    if (!visitor) tell('ready', (visitor = { visitor: token.split('.')[0] }));
  }
  answer.messages?.map((message) => offer(message, asked, message.after));
};

export const forgetMessages = () => {
  epoch++;
  visitor = 0;
  close();
};

/** Shows a message as soon as there is room for it, unless the page that it is for was left. */
const offer = (message, asked, seconds) =>
  later(() => {
    if (asked !== epoch || data.messages === 'off') return;
    if (shown || document.hidden) offer(message, asked, 1);
    else if ([pageOf(address).split('?')[0], undefined].includes(message.path) && tell('message', message)) show(message);
  }, seconds * 1e3);

export const close = () => {
  const dialog = shown;
  shown = null;
  // A dialog gives the focus back when it is closed.
  dialog?.close();
  dialog?.getRootNode().host.remove();
};

const report = (what, message) => {
  tell(what, message);
  emit('message_' + what, { message: message.id });
};

const add = (parent, tag, properties) => parent.appendChild(Object.assign(document.createElement(tag), properties));

const show = (message) => {
  const { button } = message;
  const root = add(document.documentElement, 'leadtrail-message').attachShadow({ mode: 'open' });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(MESSAGE_CSS);
  root.adoptedStyleSheets = [sheet];
  const dialog = add(root, 'dialog', { className: message.style, role: 'dialog', dir: 'auto', ariaLabel: message.title || site, open: message.style !== 'modal' });
  listen({ click: () => dialog.close() }, add(dialog, 'button', { ariaLabel: 'Close', textContent: '×' }));
  const write = (tag, textContent) => textContent && add(dialog, tag, { textContent });
  write('div', message.from?.name);
  write('strong', message.title);
  write('p', message.body);
  if (button) {
    const link = add(dialog, 'a', { href: button.url, textContent: button.label || button.url });
    if (!/^http/.test(link.protocol)) link.remove();
    listen(
      {
        click() {
          report('clicked', message);
          // Only after the click has followed the link.
          later(close);
        },
      },
      link,
    );
  }
  listen(
    {
      close() {
        if (shown !== dialog) return;
        close();
        report('dismissed', message);
      },
    },
    dialog,
  );
  shown = dialog;
  if (!dialog.open) dialog.showModal();
  report('shown', message);
};

export const watchMessages = () => listen({ keydown: (event) => event.key === 'Escape' && shown.close() });
