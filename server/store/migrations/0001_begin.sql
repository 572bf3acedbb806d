-- The trail of people. Each table of a person's data belongs to one person_id; what must be unique has a table of its
-- own, keyed by that very value. Times are Unix milliseconds given by the program.
-- What every event changes is small and in one place: `totals`. First seen, last seen and the number of events of a
-- person are those of their totals, so that the row of a person changes about once a session.

CREATE TABLE identities (                 -- who a visitor id (and later an e-mail or user_id) belongs to
  ident     TEXT PRIMARY KEY,             -- "<site>/<kind>/<value>"
  person_id BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE people (
  person_id     INTEGER PRIMARY KEY,
  site          TEXT NOT NULL,
  visitor       TEXT NOT NULL,
  role          SMALLINT NOT NULL,
  email         TEXT,
  name          TEXT,
  user_id       TEXT,
  verified      SMALLINT NOT NULL,
  traits        JSON NOT NULL,
  seen_before   BIGINT,
  session_start BIGINT NOT NULL,
  sessions      INTEGER NOT NULL,
  referrer      TEXT NOT NULL,
  utm           JSON NOT NULL,
  landing       TEXT NOT NULL,
  language      TEXT NOT NULL,
  country       TEXT NOT NULL,
  browser       TEXT NOT NULL,
  os            TEXT NOT NULL,
  device        TEXT NOT NULL,
  became_lead   BIGINT,
  became_user   BIGINT,
  seen_day      INTEGER NOT NULL,
  merged_into   BIGINT
);
CREATE INDEX people_email ON people (email) WHERE email IS NOT NULL;
CREATE INDEX people_seen_day ON people (site, seen_day);

CREATE TABLE events (                     -- appended in the order of arrival; where an engine has partitions, by the time
                                          -- with which the snippet's ids begin
  person_id BIGINT NOT NULL,
  id        TEXT NOT NULL,
  site      TEXT NOT NULL,
  at        BIGINT NOT NULL,
  received  BIGINT NOT NULL,
  name      TEXT NOT NULL,
  path      TEXT NOT NULL,
  url       TEXT NOT NULL,
  title     TEXT NOT NULL,
  referrer  TEXT NOT NULL,
  metadata  JSON NOT NULL,
  role      SMALLINT NOT NULL,
  session   INTEGER NOT NULL
) PARTITION BY RANGE (id);
-- The id comes first: the snippet's ids begin with the time, so new ones land on the same few pages.
CREATE UNIQUE INDEX events_once ON events (id, person_id);
CREATE INDEX events_trail ON events (person_id, at);

CREATE TABLE totals (                     -- kept for ever, never recomputed from events
  person_id BIGINT NOT NULL,
  kind      SMALLINT NOT NULL,
  key       TEXT NOT NULL,
  site      TEXT NOT NULL,
  count     BIGINT NOT NULL,
  first     BIGINT NOT NULL,
  last      BIGINT NOT NULL,
  PRIMARY KEY (person_id, kind, key)
) WITHOUT ROWID;

CREATE TABLE milestones (
  person_id BIGINT NOT NULL,
  at        BIGINT NOT NULL,
  kind      TEXT NOT NULL,
  detail    JSON NOT NULL,
  PRIMARY KEY (person_id, at, kind)
) WITHOUT ROWID;

CREATE TABLE offers (                     -- a message is claimed once by (person, rule, nth)
  person_id BIGINT NOT NULL,
  rule      TEXT NOT NULL,
  nth       INTEGER NOT NULL,
  event_id  TEXT NOT NULL,
  claimed   BIGINT NOT NULL,
  offered   BIGINT NOT NULL,
  message   JSON NOT NULL,
  shown     BIGINT,
  clicked   BIGINT,
  dismissed BIGINT,
  PRIMARY KEY (person_id, rule, nth)
) WITHOUT ROWID;

CREATE TABLE event_names (                -- at most 500 a site; what comes later counts as (other)
  site       TEXT NOT NULL,
  name       TEXT NOT NULL,
  first_seen BIGINT NOT NULL,
  PRIMARY KEY (site, name)
) WITHOUT ROWID;

CREATE TABLE imports (                    -- what was imported, so that importing it again adds nothing
  digest TEXT PRIMARY KEY,
  at     BIGINT NOT NULL,
  name   TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE operator (                   -- one row: the operator's password
  id       INTEGER PRIMARY KEY CHECK (id = 1),
  password TEXT NOT NULL,
  changed  BIGINT NOT NULL
);

CREATE TABLE operator_sessions (          -- keyed by the hash of the cookie, never by the cookie
  token_hash TEXT PRIMARY KEY,
  created    BIGINT NOT NULL,
  used       BIGINT NOT NULL,
  csrf       TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE sign_in_links (              -- one-time sign-in links, by hash
  token_hash TEXT PRIMARY KEY,
  expires    BIGINT NOT NULL
) WITHOUT ROWID;
