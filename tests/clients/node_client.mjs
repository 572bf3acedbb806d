// Intercom's own Node client, unchanged, against the server of INTERCOM_BASE_URL. Prints a line for each check.
// Ends with 1 at the first that fails.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { Intercom, IntercomClient, IntercomError } from "intercom-client";

const { INTERCOM_BASE_URL: baseUrl, INTERCOM_TOKEN: token, INTERCOM_READER: readerToken, VISITORS } = process.env;
const client = new IntercomClient({ token, baseUrl, maxRetries: 0 });
const stranger = new IntercomClient({ token: "wrong", baseUrl, maxRetries: 0 });
const reader = new IntercomClient({ token: readerToken, baseUrl, maxRetries: 0 });
const visitors = VISITORS.split(",");

const now = Math.floor(Date.now() / 1000);
const nobody = "0123456789abcdef";
const fresh = () => `u-${randomUUID().slice(0, 13)}`;
const user = () => client.contacts.create({ external_id: fresh(), name: "Ada" });
const lead = () => client.contacts.create({ role: "lead", email: `${fresh()}@x.example` });

async function fails(call, type, status, code) {
  const error = await call().then(
    () => assert.fail("it did not fail"),
    (caught) => caught,
  );
  assert.equal(error.constructor.name, type.name);
  assert.ok(error instanceof type);
  assert.equal(error.statusCode, status);
  assert.equal(error.body.type, "error.list");
  if (code) assert.equal(error.body.errors[0].code, code);
  return error;
}

const checks = {
  async "contacts are made, found, changed, put away and deleted"() {
    const email = `${fresh()}@x.example`;
    const made = await client.contacts.create({ email, custom_attributes: { plan: "Pro", seats: 3 } });
    assert.deepEqual([made.type, made.role, made.email], ["contact", "user", email]);
    const changed = await client.contacts.update({ contact_id: made.id, custom_attributes: { seats: 4 } });
    assert.deepEqual(changed.custom_attributes, { plan: "Pro", seats: 4 });
    assert.equal((await client.contacts.find({ contact_id: made.id })).id, made.id);
    const known = await user();
    const found = await client.contacts.showContactByExternalId({ external_id: known.external_id });
    assert.equal(found.id, known.id);
    assert.equal((await client.contacts.archive({ contact_id: known.id })).archived, true);
    assert.equal((await client.contacts.unarchive({ contact_id: known.id })).archived, false);
    assert.equal((await client.contacts.blockContact({ contact_id: known.id })).blocked, true);
    assert.equal((await client.contacts.delete({ contact_id: known.id })).deleted, true);
    await fails(() => client.contacts.find({ contact_id: known.id }), IntercomError, 404, "not_found");
  },

  async "a second contact of the same id is a conflict that names the first"() {
    const one = await user();
    const error = await fails(() => client.contacts.create({ external_id: one.external_id }), IntercomError, 409, "conflict");
    assert.match(error.body.errors[0].message, new RegExp(`id=${one.id}$`));
  },

  async "contacts are listed and searched to the end"() {
    const mark = fresh();
    for (let n = 0; n < 5; n++) await client.contacts.create({ external_id: fresh(), custom_attributes: { mark, n } });
    const listed = [];
    for await (const contact of await client.contacts.list({ per_page: 2 })) listed.push(contact.id);
    assert.ok(listed.length >= 5);
    assert.equal(new Set(listed).size, listed.length);
    const found = [];
    const search = {
      query: { operator: "AND", value: [
        { field: "custom_attributes.mark", operator: "=", value: mark },
        { field: "custom_attributes.n", operator: ">", value: 0 },
      ] },
      pagination: { per_page: 2 },
    };
    for await (const contact of await client.contacts.search(search)) found.push(contact.custom_attributes.n);
    assert.deepEqual(found, [4, 3, 2, 1]);
    await fails(() => client.contacts.search({ query: { field: "nonsense", operator: "=", value: "x" } }), IntercomError, 400, "parameter_invalid");
  },

  async "a lead is merged into a user, and the old id still reaches them"() {
    const [from, into] = [await lead(), await user()];
    await client.events.create({ id: from.id, event_name: "opened", created_at: now });
    const merged = await client.contacts.mergeLeadInUser({ from: from.id, into: into.id });
    assert.equal(merged.id, into.id);
    await client.events.create({ id: from.id, event_name: "opened", created_at: now + 1 });
    const summary = await client.events.list({ type: "user", user_id: into.external_id, summary: true });
    assert.deepEqual(summary.events.map((event) => [event.name, event.count]), [["opened", 2]]);
    await fails(() => client.contacts.find({ contact_id: from.id }), IntercomError, 404, "not_found");
  },

  async "events are recorded once, with typed metadata"() {
    const { external_id: user_id } = await user();
    const metadata = { n: 1.5, price: { amount: 4900, currency: "eur" }, page: { url: "https://x.example", value: "x" } };
    for (let time = 0; time < 2; time++) {
      assert.equal(await client.events.create({ user_id, event_name: "bought", created_at: now, metadata }), undefined);
    }
    const { events, pages } = await client.events.list({ type: "user", user_id });
    assert.deepEqual(events.map((event) => [event.event_name, event.created_at, event.metadata]), [["bought", now, metadata]]);
    assert.equal(pages.next, null);
    const summary = { event_name: "bought", count: 4, first: now - 90, last: now - 60 };
    await client.events.summaries({ user_id, event_summaries: summary });
    const listed = await client.events.list({ type: "user", user_id, summary: true });
    assert.equal(listed.events[0].count, 5);
  },

  async "events are paged by full URLs"() {
    const { external_id: user_id } = await user();
    for (let n = 0; n < 3; n++) await client.events.create({ user_id, event_name: `step ${n}`, created_at: now + n });
    const first = await client.events.list({ type: "user", user_id, per_page: 2 });
    const queryParams = Object.fromEntries(new URL(first.pages.next).searchParams);
    const second = await client.events.list({ type: "user", user_id }, { queryParams });
    assert.deepEqual([...first.events, ...second.events].map((event) => event.event_name), ["step 2", "step 1", "step 0"]);
    assert.equal(second.pages.next, null);
  },

  async "nobody's events are not found"() {
    const event = { event_name: "x", created_at: now };
    await fails(() => client.events.create({ user_id: fresh(), ...event }), IntercomError, 404, "not_found");
    await fails(() => client.events.create({ id: nobody, ...event }), IntercomError, 404, "not_found");
    await fails(() => client.events.list({ type: "user", email: "nobody@x.example" }), IntercomError, 404, "not_found");
    const known = await user();
    const nested = { user_id: known.external_id, ...event, metadata: { a: { b: 1 } } };
    const error = await fails(() => client.events.create(nested), IntercomError, 400, "parameter_invalid");
    assert.equal(error.body.errors[0].field, "metadata.a");
  },

  async "visitors are found, changed and converted"() {
    const [first, second, third] = visitors;
    const found = await client.visitors.find({ user_id: first });
    assert.deepEqual([found.type, found.user_id, found.anonymous], ["visitor", first, true]);
    const changed = await client.visitors.update({ user_id: first, name: "Gareth", custom_attributes: { plan: "Pro" } });
    assert.equal(changed.name, "Gareth");
    const made = await client.visitors.mergeToContact({ type: "user", user: { user_id: fresh() }, visitor: { user_id: first } });
    assert.equal(made.role, "user");
    const joined = await client.visitors.mergeToContact({ type: "user", user: { id: made.id }, visitor: { user_id: second } });
    assert.equal(joined.id, made.id);
    const became = await client.visitors.mergeToContact({ type: "lead", user: { email: "x@x.example" }, visitor: { user_id: third } });
    assert.deepEqual([became.role, became.email], ["lead", "x@x.example"]);
    const summary = await client.events.list({ type: "user", intercom_user_id: made.id, summary: true });
    assert.equal(summary.events[0].count, 2);
    await fails(() => client.visitors.find({ user_id: first }), Intercom.NotFoundError, 404, "not_found");
    await fails(() => client.visitors.update({ id: nobody, name: "x" }), Intercom.NotFoundError, 404, "not_found");
  },

  async "tags are made, given, taken away and deleted"() {
    const contact = await user();
    const tag = await client.tags.create({ name: fresh() });
    assert.equal((await client.tags.find({ tag_id: tag.id })).name, tag.name);
    assert.equal((await client.tags.tagContact({ contact_id: contact.id, id: tag.id })).id, tag.id);
    const { data } = await client.contacts.listAttachedTags({ contact_id: contact.id });
    assert.deepEqual(data.map(({ id }) => id), [tag.id]);
    await client.tags.untagContact({ contact_id: contact.id, tag_id: tag.id });
    await client.tags.delete({ tag_id: tag.id });
    assert.ok(!(await client.tags.list()).data.some(({ id }) => id === tag.id));
    await fails(() => client.tags.find({ tag_id: tag.id }), Intercom.NotFoundError, 404, "not_found");
    await fails(() => client.tags.create({ name: "" }), Intercom.BadRequestError, 400, "parameter_invalid");
  },

  async "notes are listed to the end"() {
    const contact = await user();
    for (let n = 0; n < 3; n++) await client.notes.create({ contact_id: contact.id, body: `note ${n}` });
    const bodies = [];
    for await (const note of await client.notes.list({ contact_id: contact.id, per_page: 2 })) bodies.push(note.body);
    assert.deepEqual(bodies, ["<p>note 2</p>", "<p>note 1</p>", "<p>note 0</p>"]);
    await fails(() => client.notes.create({ contact_id: nobody, body: "x" }), Intercom.NotFoundError, 404, "not_found");
  },

  async "data attributes are declared and changed"() {
    const attribute = { name: fresh(), model: "contact", data_type: "integer" };
    const made = await client.dataAttributes.create(attribute);
    assert.equal(made.full_name, `custom_attributes.${attribute.name}`);
    const changed = await client.dataAttributes.update({ data_attribute_id: made.id, body: { archived: true } });
    assert.equal(changed.archived, true);
    const { data } = await client.dataAttributes.list({ model: "contact", include_archived: true });
    assert.ok(data.some(({ name }) => name === attribute.name));
    await fails(() => client.dataAttributes.create(attribute), Intercom.BadRequestError, 400, "parameter_invalid");
  },

  async "me is the operator"() {
    assert.equal((await client.admins.identify()).type, "admin");
  },

  async "whoever has no token gets the class that the client has for it"() {
    await fails(() => stranger.events.create({ user_id: "x", event_name: "x", created_at: now }), Intercom.UnauthorizedError, 401, "unauthorized");
    await fails(() => stranger.contacts.find({ contact_id: nobody }), Intercom.UnauthorizedError, 401, "unauthorized");
    await fails(() => stranger.visitors.find({ user_id: "x" }), Intercom.UnauthorizedError, 401, "unauthorized");
    await fails(() => stranger.admins.identify(), IntercomError, 401, "unauthorized");
  },

  async "a token that may read does not write"() {
    const contact = await user();
    assert.equal((await reader.contacts.find({ contact_id: contact.id })).id, contact.id);
    await fails(() => reader.contacts.update({ contact_id: contact.id, name: "x" }), IntercomError, 403, "forbidden");
  },
};

for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`ok ${name}`);
  } catch (error) {
    console.log(`not ok ${name}\n${error.stack}\n${JSON.stringify(error.body ?? null)}`);
    process.exitCode = 1;
  }
}
