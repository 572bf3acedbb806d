// Every command as a page would call it: type-checked by test_types.py, never run.
import '../../static/t';

leadtrail('page');
leadtrail('page', { url: '/virtual', title: 'Virtual', plan: 'Pro' });
leadtrail('track', 'ordered', { price: { amount: 4900, currency: 'eur' }, due_date: new Date(), seats: 3 }, { id: 'o-1' });
leadtrail('identify', { email: 'ana@example.com', name: 'Ana', user_id: 17, user_hash: 'abc', plan: 'Pro' });
leadtrail('reset');
leadtrail('consent', 'granted');
leadtrail('formError', 'signup', { fields: [{ name: 'email', reason: 'taken' }, { name: 'phone' }] });
leadtrail('formError', document.forms[0]);
leadtrail('set', { team: 'a' });
leadtrail('on', 'ready', ({ visitor }) => visitor.length);
leadtrail('on', 'message', (message) => message.style !== 'modal');
leadtrail('on', 'clicked', (message) => console.log(message.id));
leadtrail('flush');
window.leadtrail('flush');

// @ts-expect-error there is no such command
leadtrail('nonsense');
// @ts-expect-error an event has a name
leadtrail('track', { seats: 3 });
// @ts-expect-error never a value
leadtrail('formError', 'signup', { fields: [{ name: 'email', value: 'ana@example.com' }] });
// @ts-expect-error an answer is one of three
leadtrail('consent', 'maybe');
// @ts-expect-error metadata is flat
leadtrail('track', 'x', { deep: { deeper: { deepest: 1 } } });
