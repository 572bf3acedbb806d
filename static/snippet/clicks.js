/** Links that lead away, downloads, and what the page's HTML declares to be an event. */

import { clean } from './address.js';
import { emit } from './events.js';
import { data, finder, listen } from './tag.js';

const FILES = /\.(pdf|(doc|xls|ppt)x?|csv|txt|zip|exe|mp[34])$/i;

const click = (event) => {
  const find = finder(event);
  const declared = find('[data-leadtrail-event]');
  if (declared) {
    const metadata = {};
    for (const attribute of declared.attributes) {
      const key = attribute.name.split('data-leadtrail-meta-')[1];
      if (key) metadata[key] = attribute.value;
    }
    emit(declared.dataset.leadtrailEvent, metadata);
  }
  const link = find('a[href]');
  if (data.links === 'off' || !/^http/.test(link?.href)) return;
  const file = FILES.test(link.pathname) || find('[download]');
  if (file || link.host !== location.host)
    emit(file ? 'file_download' : 'link_click', { href: clean(link.href) });
};

export const watchClicks = () => listen({ click });
