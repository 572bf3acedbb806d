-- What rules remember of people beside the messages that they won, and when rules are to be asked although nothing
-- happens.

ALTER TABLE offers ADD COLUMN control SMALLINT NOT NULL DEFAULT 0;     -- 1: only measured, never shown
ALTER TABLE offers ADD COLUMN goal BIGINT;                             -- when its goal was reached
ALTER TABLE offers ADD COLUMN ways TEXT NOT NULL DEFAULT 'page';

CREATE TABLE holds (                      -- the first time that a message was held back, by reason
  person_id BIGINT NOT NULL,
  rule      TEXT NOT NULL,
  reason    TEXT NOT NULL,
  at        BIGINT NOT NULL,
  PRIMARY KEY (person_id, rule, reason)
) WITHOUT ROWID;

CREATE TABLE due (
  person_id BIGINT NOT NULL,
  rule      TEXT NOT NULL,
  lane      SMALLINT NOT NULL,            -- several servers look into different ones
  at        BIGINT NOT NULL,
  PRIMARY KEY (person_id, rule)
) WITHOUT ROWID;
CREATE INDEX due_next ON due (lane, at);

CREATE TABLE armings (                    -- how far the people of before were asked when a time rule is due for them
  rule    TEXT PRIMARY KEY,
  asking  TEXT NOT NULL,
  reached BIGINT NOT NULL
) WITHOUT ROWID;
