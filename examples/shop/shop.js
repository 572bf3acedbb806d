/* The demo shop: what its buttons and forms tell Leadtrail, and the panel that shows what the snippet sent. */
(() => {
  const WANTED = 4;
  const find = (name) => document.querySelector(`[data-${name}]`);

  /** What the panel and the cart remember between pages. */
  const memory = {
    read: (name, otherwise) => JSON.parse(localStorage.getItem('demo.' + name)) || otherwise,
    write: (name, value) => localStorage.setItem('demo.' + name, JSON.stringify(value)),
  };

  // The tag is "pending" until somebody answers; this shop takes silence for a yes, and has a switch.
  const isAllowed = () => memory.read('consent', 'granted') === 'granted';
  leadtrail('consent', memory.read('consent', 'granted'));

  const named = (fields) => [...new Set(fields.map(({ name, reason }) => `${name} (${reason || 'refused'})`))].join(', ');

  const DETAILS = {
    page_view: (event) => event.title,
    form_error: ({ metadata }) =>
      `${metadata.form}, by ${metadata.source}${metadata.fields.length ? ': ' + named(metadata.fields) : ''}, attempt ${metadata.attempt}`,
    form_submit: ({ metadata }) => `${metadata.form}, ${metadata.ok === true ? 'taken' : 'on its way'}`,
    link_click: ({ metadata }) => metadata.href,
    file_download: ({ metadata }) => metadata.href,
    page_leave: ({ metadata }) => `${metadata.seconds} s seen, ${metadata.scroll} % down`,
    identify: ({ traits }) => Object.keys(traits).join(', '),
  };

  const details = (event) =>
    DETAILS[event.name] ? DETAILS[event.name](event) : Object.values(event.metadata).map(plain).join(', ');

  const plain = (value) => {
    if (!value || typeof value !== 'object') return String(value);
    return value.currency ? `${value.amount / 100} ${value.currency}` : value.value;
  };

  function line(event) {
    const item = document.createElement('li');
    const name = document.createElement('b');
    const rest = document.createElement('span');
    name.textContent = event.name;
    rest.textContent = ` ${new URL(event.url).pathname.replace('/demo', '') || '/'} · ${details(event)}`;
    item.append(name, rest);
    return item;
  }

  function draw() {
    if (!find('sent')) return;
    const events = memory.read('events', []);
    const visitor = memory.read('visitor', '');
    find('total').textContent = events.length;
    find('events').replaceChildren(...events.slice(-30).reverse().map(line));
    if (visitor) {
      const id = document.createElement('code');
      id.textContent = visitor;
      find('who').replaceChildren('You are visitor ', id);
    }
    const views = events.filter((event) => event.name === 'page_view' && event.url.includes('/demo/pricing')).length;
    if (views) {
      const left = WANTED - views;
      find('countdown').textContent =
        left > 0
          ? `you viewed Pricing ${views === 1 ? 'once' : `${views} times`}; ${left} more until a message appears.`
          : `you viewed Pricing ${views} times, so the message was yours. Now sign up, and see the dashboard.`;
    }
  }

  function remember(sent) {
    const known = memory.read('events', []);
    const ids = new Set(sent.map((event) => event.id));
    memory.write('events', [...known.filter((event) => !ids.has(event.id)), ...sent].slice(-200));
    draw();
  }

  /** Looks over the snippet's shoulder: its requests go to /e, and each answer names the visitor. */
  const send = window.fetch;
  window.fetch = async (...request) => {
    const [address, options] = request;
    if (!String(address).endsWith('/e')) return send(...request);
    const { events = [] } = JSON.parse(options.body);
    remember(events);
    find('state')?.classList.remove('delivered');
    const response = await send(...request);
    if (response.ok) {
      const { visitor } = await response.clone().json();
      if (visitor) recognise(visitor.split('.')[0], events);
      find('state')?.classList.add('delivered');
      draw();
    }
    return response;
  };

  function recognise(visitor, events) {
    const before = memory.read('visitor', '');
    memory.write('visitor', visitor);
    if (before && before !== visitor) memory.write('events', events);
  }

  function downloaded() {
    leadtrail('track', 'downloaded_white_paper', {
      title: 'Watering by the weather',
      file: { url: new URL('/demo/white-paper.txt', location.href).href, value: 'white-paper.txt' },
    });
  }

  function addToCart({ currentTarget: { dataset } }) {
    const price = { amount: Number(dataset.cents), currency: 'eur' };
    leadtrail('track', 'added_to_cart', {
      plan: dataset.plan,
      price,
      product: { url: new URL('/demo/features', location.href).href, value: `Tendril ${dataset.plan}` },
      delivery_date: Math.floor(Date.now() / 1000) + 3 * 86400,
    });
    memory.write('cart', { plan: dataset.plan, price });
    drawCart();
  }

  function drawCart() {
    const cart = memory.read('cart', null);
    if (!find('cart')) return;
    find('cart').hidden = !cart;
    find('cart-plan').textContent = cart ? `Tendril ${cart.plan}, €${cart.price.amount / 100}` : '';
  }

  function buy() {
    leadtrail('track', 'purchase', { ...memory.read('cart', {}), gift: false });
    memory.write('cart', null);
    drawCart();
  }

  function signUp(event) {
    event.preventDefault();
    const { email, name } = Object.fromEntries(new FormData(event.target));
    leadtrail('identify', { email, name });
    leadtrail('track', 'signed_up', { list: 'Planting calendar' });
    location.href = '/demo/welcome';
  }

  function ask(event) {
    event.preventDefault();
    leadtrail('track', 'asked_a_question', { topic: new FormData(event.target).get('topic') });
    event.target.reset();
    find('thanks').textContent = 'Thank you! The dashboard knows that you asked, and not what.';
  }

  function signOut() {
    leadtrail('reset');
    leadtrail('flush');
    find('reset').textContent = 'Signed out: you are a new visitor';
  }

  function answer({ target }) {
    const consent = target.checked ? 'granted' : 'denied';
    memory.write('consent', consent);
    memory.write('events', []);
    memory.write('visitor', '');
    leadtrail('consent', consent);
    // What was seen while it was off was not kept: this page counts from now on.
    if (target.checked) leadtrail('page');
    find('who').textContent = target.checked ? 'From now on again.' : 'Nobody: nothing is sent or kept.';
    draw();
  }

  document.addEventListener('DOMContentLoaded', () => {
    const when = (element, type, action) => element && element.addEventListener(type, action);
    when(find('paper'), 'click', downloaded);
    document.querySelectorAll('[data-plan]').forEach((button) => when(button, 'click', addToCart));
    when(find('buy'), 'click', buy);
    when(document.getElementById('signup'), 'submit', signUp);
    when(document.getElementById('contact'), 'submit', ask);
    when(find('reset'), 'click', signOut);
    find('consent-switch').checked = isAllowed();
    when(find('consent-switch'), 'change', answer);
    find('sent').open = memory.read('open', matchMedia('(min-width: 1720px)').matches);
    when(find('sent'), 'toggle', () => memory.write('open', find('sent').open));
    addEventListener('storage', draw);
    draw();
    drawCart();
  });
})();
