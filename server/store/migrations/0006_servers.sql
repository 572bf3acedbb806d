-- The servers that share this database. Each tells now and then that it runs, and with which rules and keys.

CREATE TABLE servers (
  id      TEXT PRIMARY KEY,
  host    TEXT NOT NULL,
  version TEXT NOT NULL,
  rules   TEXT NOT NULL,                  -- digest of the rule file that runs
  keys    TEXT NOT NULL,                  -- digest of the keys that sign visitors' tokens
  started BIGINT NOT NULL,
  seen    BIGINT NOT NULL
) WITHOUT ROWID;
