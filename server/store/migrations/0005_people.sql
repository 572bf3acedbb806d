-- People who are proved, merged, separated again and erased.

ALTER TABLE people ADD COLUMN origins JSON NOT NULL DEFAULT '{}';
CREATE INDEX people_merged ON people (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX identities_person ON identities (person_id);

CREATE TABLE merges (                     -- who was merged into whom, and what both were before
  person_id BIGINT NOT NULL,
  merged    BIGINT NOT NULL,
  at        BIGINT NOT NULL,
  by        TEXT NOT NULL,                -- user_hash | user_jwt | api | operator
  event_id  TEXT NOT NULL,
  memory    JSON NOT NULL,                -- empty once it was taken back; the row goes with the raw events
  undone    BIGINT,
  PRIMARY KEY (person_id, merged, at)
) WITHOUT ROWID;
CREATE INDEX merges_at ON merges (at);

CREATE TABLE erased (                     -- idents of people who were erased, by their hash: nothing of them comes back
  ident TEXT PRIMARY KEY,
  at    BIGINT NOT NULL
) WITHOUT ROWID;
