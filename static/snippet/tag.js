/** The tag on the page, what it says, and how the snippet touches the page: never with an exception. */

export const stub = window.leadtrail;
const tag = document.currentScript || document.querySelector('script[data-site]');
export const data = tag.dataset;
export const { site } = data;

/** The browser's own, whatever the page puts in its place later. */
export const { fetch } = window;

// Included twice. What is thrown while the snippet starts stays in it: scripts/build-snippet sees to that.
if (stub?.loaded) throw stub;

/** Where events go: beside the script, or in the folder `data-host`. */
export const collector = new URL('e', new URL(data.host || '', tag.src));

/** What the names of all that is stored begin with. */
export const key = 'leadtrail.' + site;

/** `f`, but what goes wrong in it stays in it. */
export const guard =
  (f) =>
  (...args) => {
    try {
      return f(...args);
    } catch {}
  };

export const later = (f, delay) => setTimeout(guard(f), delay);

/** Listens to events by their types, before the page does. */
export const listen = (handlers, target = window) => {
  for (const type in handlers) target.addEventListener(type, guard(handlers[type]), true);
};

/** How to find the elements that an event passes, in shadow roots too. Throws where the page wants it ignored. */
export const finder = (event) => {
  const find = (selector) => event.composedPath().find((element) => element.matches?.(selector));
  if (find('[data-leadtrail-ignore]')) throw event;
  return find;
};
