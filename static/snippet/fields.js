/** What is said of a form and of its fields: names and reasons, never a value that somebody typed. */

const ERRORS = '[aria-invalid=true],form [role=alert],[class*=error i]';
const SENSITIVE = /passw|cc-|cv[cv]|ssn|one-|hidden/;

export const nameOf = (form) =>
  // As attributes, since the properties of these names may be controls of the form.
  ['data-leadtrail-form', 'id', 'name'].map((name) => form.getAttribute(name)).find((name) => name) ||
  location.pathname;

/** The visible elements that look like errors of the form of this name: inside of it, or of this element in its stead. */
export const errorsIn = (root, name, outside) =>
  [...root.querySelectorAll(ERRORS)].filter(
    (element) =>
      nameOf(element.closest('form') || outside) === name &&
      element.getClientRects()[0] && (element.form || element.innerText) && !/success/.test(element.className),
  );

/** The fields that these elements show errors of, with their reasons: each is one, or stands beside the only one. */
export const fieldsOf = (elements) =>
  elements.flatMap((element) => {
    const [control, other] = element.form ? [element] : element.parentNode.querySelectorAll('input,select,textarea');
    if (!control || other) return [];
    const secret = SENSITIVE.exec([control.type, control.autocomplete, control.name]);
    let reason;
    for (const key in control.validity) if (control.validity[key] && key !== 'valid') reason = key;
    return { name: secret ? `[${secret}]` : control.dataset.leadtrailField || control.name || control.id, reason };
  });
