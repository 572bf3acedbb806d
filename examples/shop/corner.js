/* The demo's corner: forms that fail, and pages that come without reloading. */
(() => {
  const find = (name) => document.querySelector(`[data-${name}]`);

  const SEASONS = {
    spring: 'Sow peas, prune roses, and water little: the clouds still help.',
    summer: 'Water early, mulch, and leave the lawn alone.',
    autumn: 'Plant bulbs, drain the hose, thank the worms.',
  };

  document.getElementById('newsletter').addEventListener('submit', (event) => {
    event.preventDefault();
    event.target.reset();
  });

  document.getElementById('delivery').addEventListener('submit', (event) => {
    event.preventDefault();
    find('why').hidden = false;
    event.target.elements.postcode.setAttribute('aria-invalid', true);
  });

  document.getElementById('order').addEventListener('submit', async (event) => {
    event.preventDefault();
    const response = await fetch('/demo/corner/order', { method: 'POST' });
    find('answer').textContent = response.ok ? 'Ordered.' : 'Sorry, sold out.';
  });

  find('slots').addEventListener('click', ({ target }) => {
    if (!target.matches('button')) return;
    find('slot-answer').textContent = `${target.textContent} is taken.`;
    leadtrail('formError', 'visit', { fields: [{ name: 'day', reason: 'taken' }] });
  });

  function season() {
    const name = location.pathname.split('/').pop();
    document.querySelectorAll('.seasons a').forEach((link) => {
      if (link.pathname === location.pathname) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    });
    if (!SEASONS[name]) return;
    find('season').textContent = SEASONS[name];
    document.title = `${name[0].toUpperCase()}${name.slice(1)} · Tendril`;
  }

  document.querySelector('.seasons').addEventListener('click', (event) => {
    if (!event.target.matches('a')) return;
    event.preventDefault();
    history.pushState({}, '', event.target.href);
    season();
  });
  addEventListener('popstate', season);
  season();
})();
