-- Messages on their way out of the server, by webhook and by e-mail. Written in the transaction that won them.

CREATE TABLE outbox (
  person_id BIGINT NOT NULL,
  id        TEXT NOT NULL,                -- "msg_…": the same with every try
  site      TEXT NOT NULL,
  rule      TEXT NOT NULL,
  nth       INTEGER NOT NULL,
  channel   TEXT NOT NULL,
  made      BIGINT NOT NULL,
  due       BIGINT NOT NULL,              -- when it is tried next; while a server is at it, when another may take over
  tries     INTEGER NOT NULL,
  state     TEXT NOT NULL,                -- waiting | parked
  content   JSON NOT NULL,
  error     TEXT NOT NULL,
  address   TEXT NOT NULL,                -- of the far side, so that one that hangs can be passed over
  lane      SMALLINT NOT NULL,            -- of the person; what is due is looked for lane by lane
  PRIMARY KEY (lane, id)
);
CREATE INDEX outbox_due ON outbox (lane, channel, due) WHERE state = 'waiting';
CREATE INDEX outbox_parked ON outbox (id) WHERE state = 'parked';
CREATE INDEX outbox_person ON outbox (person_id);

CREATE TABLE switched_off (               -- addresses of webhooks that want nothing any more
  address TEXT PRIMARY KEY,
  channel TEXT NOT NULL,
  at      BIGINT NOT NULL,
  reason  TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE unsubscribed (               -- e-mail addresses that want no letters of a site, by their hash
  ident TEXT PRIMARY KEY,                 -- "<site>/<hash>"
  at    BIGINT NOT NULL
) WITHOUT ROWID;
