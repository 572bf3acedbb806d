-- What servers say of people by the API: a profile, tags, notes, and traits that are declared.

ALTER TABLE people ADD COLUMN profile JSON NOT NULL DEFAULT '{}';
ALTER TABLE people ADD COLUMN tags JSON NOT NULL DEFAULT '{}';  -- names by id; `tagged` says who has which
ALTER TABLE people ADD COLUMN created BIGINT;
ALTER TABLE people ADD COLUMN updated BIGINT;
ALTER TABLE people ADD COLUMN archived BIGINT;

CREATE TABLE tags (
  id     TEXT PRIMARY KEY,
  name   TEXT NOT NULL,
  folded TEXT NOT NULL,                   -- the name with A to Z in lower case
  made   BIGINT NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX tags_folded ON tags (folded);

CREATE TABLE tagged (
  person_id BIGINT NOT NULL,
  tag       TEXT NOT NULL,
  applied   BIGINT NOT NULL,
  PRIMARY KEY (person_id, tag)
) WITHOUT ROWID;
CREATE INDEX tagged_people ON tagged (tag, person_id);

CREATE TABLE notes (
  person_id BIGINT NOT NULL,
  id        BIGINT NOT NULL,
  made      BIGINT NOT NULL,
  body      TEXT NOT NULL,
  author    TEXT NOT NULL,
  PRIMARY KEY (person_id, id)
) WITHOUT ROWID;
CREATE INDEX notes_id ON notes (id);

CREATE TABLE attributes (
  id                 BIGINT PRIMARY KEY,
  name               TEXT NOT NULL,
  model              TEXT NOT NULL,
  data_type          TEXT NOT NULL,
  made               BIGINT NOT NULL,
  updated            BIGINT NOT NULL,
  label              TEXT NOT NULL,
  description        TEXT NOT NULL,
  options            JSON NOT NULL,
  messenger_writable SMALLINT NOT NULL,
  archived           SMALLINT NOT NULL
);
CREATE UNIQUE INDEX attributes_name ON attributes (model, name);
