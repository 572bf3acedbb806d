/**
 * Attempts to submit a form: one `form_error` for each that failed, one `form_submit` for each that did not. What counts
 * as an attempt, and what as a failure, stands in docs/forms.md.
 */

import { emit } from './events.js';
import { errorsIn, fieldsOf, nameOf } from './fields.js';
import { disk, forget, keep } from './storage.js';
import { data, fetch, finder, key, later, listen } from './tag.js';

/** Attempts at each form so far, by its name. */
const attempts = {};

/** The last attempt: its form, when and where it began, when its end is due (0: it has ended), and how it ends. */
let form;
let began = {};
let due;
let conclude = () => {};
/** The controls that the browser refused; the status of a request, if there was one; Infinity without an answer. */
let refused;
let status;

/** Whether this is one more attempt at the form, and not what follows from the last. */
const another = (name, at = Date.now()) => {
  if (name === form && at - began.at < 500) return;
  conclude();
  form = name;
  began = { at, url: location.href };
  return (attempts[name] = (attempts[name] || 0) + 1);
};

const fail = (source, fields) => {
  due = 0;
  fields = fields.map(({ name, reason }) => ({ name, reason }));
  emit('form_error', { form, source, attempt: attempts[form], fields, status }, began);
};

const begin = (target, at) => {
  if (!another(nameOf(target), at)) return;
  const errors = () => errorsIn(target.getRootNode(), form, target);
  const before = errors();
  const isNew = (element) => !before.includes(element);
  conclude = (passed) => {
    if (!due) return;
    // Controls and alerts that still show an error have failed it, others if they are new.
    const shown = errors().filter((element) => element.form || element.role || isNew(element));
    if (refused[0]) fail('native', fieldsOf(refused));
    else if (status > 399) fail('network', fieldsOf(shown));
    else if (!passed && shown[0]) fail('script', fieldsOf(shown));
    else emit('form_submit', { form, ok: !!status || 'unknown' }, began);
    due = 0;
  };
  const attempt = began;
  const look = () =>
    later(() => {
      if (attempt !== began) return;
      if (refused[0] || Date.now() > due || errors().some(isNew)) conclude();
      else look();
    }, 100);
  due = began.at + 5e3;
  status = undefined;
  refused = [...target.querySelectorAll(':invalid')];
  keep(key + '?', form);
  look();
};

const submit = (event) => {
  begin(finder(event)('form'));
  refused = [];
  later(() => event.defaultPrevented || conclude(1));
};

/** A button or the Enter key: without a `submit` that follows, the browser has refused the form. */
const press = (event) => {
  const at = Date.now();
  const control = finder(event)(event.key ? 'input' : 'button,input');
  later(() => !event.defaultPrevented && /Enter|submit/.test(event.key || control.type) && begin(control.form, at));
};

/** The page says itself that an attempt failed. */
export const formError = (target, { fields = [] } = {}, source = 'api') => {
  if (another(target.nodeName ? nameOf(target) : target) || due) fail(source, fields);
};

/** The page that answers an attempt has come: does it show errors? */
const arrived = () => {
  const name = disk[key + '?'];
  forget(key + '?');
  const declared = document.querySelector('[data-leadtrail-form-error],[name=leadtrail-form-error]');
  const shown = errorsIn(document, name, document.body);
  if (declared) {
    const [name, ...fields] = (declared.content || declared.dataset.leadtrailFormError).split(/[:,]/);
    if (!performance.navigation.type) formError(name, { fields: fields.map((name) => ({ name })) }, 'server');
  } else if (name && shown[0])
    formError(name, { fields: fieldsOf(shown) }, 'server');
};

export const watchForms = () => {
  if (data.forms === 'off') return;
  listen({ click: press, keydown: press, submit, pagehide: () => conclude(), load: arrived });
  if (data.observe) {
    window.fetch = function (input, options) {
      const answer = fetch.apply(this, arguments);
      const seen = (response) => {
        status = response.status || Infinity;
        due &&= Date.now() + 500;
      };
      if (due && /^p/i.test((options || input).method)) answer.then(seen, seen);
      return answer;
    };
  }
};
